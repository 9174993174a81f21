#include <ctime>

#include "lib/http/src/ascii.h"
#include "lib/http/src/connection.h"
#include "lib/http/src/exchange.h"

namespace berth::http {

namespace {

Error client_left() {
  return Error::make(ErrorCode::kUnavailable, "ConnectionLost", "the client has gone");
}

}  // namespace

const std::string& ServerCore::date() {
  const std::time_t now =
      std::chrono::duration_cast<std::chrono::seconds>(loop.clock().wall_now().time_since_epoch())
          .count();
  if (now != date_second_) {
    date_second_ = now;
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    date_.assign(text.data(),
                 std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  }
  return date_;
}

Connection::Connection(ServerCore& core, const Tcp& protocol, int fd, std::string peer)
    : core_(core),
      stream_(core.loop.context()),
      peer_(std::make_shared<const std::string>(std::move(peer))),
      parser_(MessageParser::Kind::kRequest, core.options.limits.max_header_bytes),
      writer_(core.loop, *this) {
  stream_.assign(protocol, fd);
}

Connection::~Connection() = default;

void Connection::start(ServerCore::List::iterator place) {
  place_ = place;
  if (!stream_.socket().is_open()) {
    close();
    return;
  }
  stream_.set_options();
  if (core_.options.tls) {
    stream_.start_tls(*core_.options.tls);
    phase_ = Phase::kHandshake;
  }
  want_read();
}

void Connection::close(bool abort, bool silently) {
  if (phase_ == Phase::kClosed) {
    return;
  }
  const auto self = shared_from_this();
  const bool idle = phase_ == Phase::kIdle || phase_ == Phase::kHandshake;
  ServerCore::List& list = idle ? core_.idle : core_.busy;
  phase_ = Phase::kClosed;
  read_deadline_ = TimePoint::max();
  if (!abort) {
    writer_.hurry();
  }
  stream_.close(abort);
  auto gone = std::exchange(gone_, nullptr);
  forget_exchange();
  pending_.clear();
  writer_.stop();
  if (gone && !silently) {
    core_.loop.post(std::move(gone));
  }
  list.erase(place_);
  core_.on_closed();
}

void Connection::abort() {
  post_guarded([this] { close(true, true); });
}

void Connection::forget_exchange() {
  if (exchange_) {
    std::exchange(exchange_, nullptr)->detach();
  }
  if (const auto body = body_.lock()) {
    body->cut(client_left());
  }
  body_.reset();
  gone_ = nullptr;
  held_.reset();
}

void Connection::answer(Response response) {
  if (phase_ != Phase::kHandling) {
    return;
  }
  const auto self = shared_from_this();
  phase_ = Phase::kAnswering;
  if (response.status < 200 || response.status > 599 || refuse_headers(response.headers)) {
    response =
        error_response(Error::internal("the answer had a status or header that cannot be sent"));
  }
  close_after_ = close_after_ || core_.draining || ended_ || !parser_.done() ||
                 has_token(response.headers.get("Connection"), "close");
  const std::string head = build_head(response);
  if (response.body_source && !bodiless_) {
    writer_.send(stream_, head, std::move(response.body_source), chunked_);
  } else {
    writer_.send(stream_, head, bodiless_ ? std::string() : std::move(response.body));
  }
  if (writer_.busy() && !consuming_) {
    want_read();
  }
}

bool Connection::write_blocked(TimePoint now) const {
  return writer_.blocked_since() != TimePoint::max() &&
         now - writer_.blocked_since() >= core_.options.limits.write_idle_timeout;
}

void Connection::on_written(MessageWriter::End end) {
  if (phase_ != Phase::kAnswering) {
    return;
  }
  if (end == MessageWriter::End::kSent) {
    guarded([this] { finish_answer(); });
  } else {
    // The head has promised a whole body: only a broken connection tells the client that there is
    // none.
    close(true);
  }
}

std::string Connection::build_head(const Response& response) {
  std::string head;
  head.reserve(256);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(reason_phrase(response.status)).append("\r\n");
  append_field(head, "Date", core_.date());
  for (const auto& [name, value] : response.headers) {
    if (!is_framing_field(name) && !ascii_iequals(name, "Date")) {
      append_field(head, name, value);
    }
  }
  const bool empty_status = response.status == 204 || response.status == 304;
  bodiless_ = is_head_ || empty_status;
  chunked_ = false;
  if (response.body_source) {
    if (const auto length = response.body_source->length()) {
      append_field(head, "Content-Length", std::to_string(*length));
    } else if (version_ >= 11) {
      chunked_ = true;
      append_field(head, "Transfer-Encoding", "chunked");
    } else {
      close_after_ = true;
    }
  } else if (is_head_ && response.body.empty() && response.headers.has("Content-Length")) {
    append_field(head, "Content-Length", response.headers.get("Content-Length"));
  } else if (!empty_status) {
    append_field(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (close_after_) {
    append_field(head, "Connection", "close");
  } else if (version_ < 11) {
    append_field(head, "Connection", "keep-alive");
  }
  return head.append("\r\n");
}

void Connection::finish_answer() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  const auto self = shared_from_this();
  const bool unread = !parser_.done() || !pending_.empty();
  forget_exchange();
  timed_phase_ = Phase::kClosed;
  if (close_after_ || core_.draining || ended_) {
    if (unread && !ended_) {
      linger();
    } else {
      close();
    }
    return;
  }
  phase_ = Phase::kIdle;
  parser_.reset();
  core_.idle.splice(core_.idle.end(), core_.busy, place_);
  if (!consuming_) {
    resume();
    want_read();
  }
}

// Closing with unread bytes would send a reset, which may overtake the answer (RFC 9112, 9.6).
void Connection::linger() {
  phase_ = Phase::kLinger;
  pending_.clear();
  pending_.shrink_to_fit();
  stream_.shut_down_send();
  if (!consuming_) {
    want_read();
  }
}

}  // namespace berth::http
