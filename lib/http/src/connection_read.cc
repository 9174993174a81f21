#include "lib/http/src/ascii.h"
#include "lib/http/src/connection.h"
#include "lib/http/src/exchange.h"
#include "lib/http/src/wire.h"

namespace berth::http {

namespace {

// Pipelined bytes kept for later while a handler works.
constexpr std::size_t kMaxPipelined = 64u << 10;
// Requests of one client answered in a row before others get their turn.
constexpr int kRequestsInARow = 16;
constexpr Duration kLingerTimeout = std::chrono::seconds(5);

}  // namespace

void Connection::arm_read() {
  if (read_armed_ || ended_ || phase_ == Phase::kClosed) {
    return;
  }
  read_armed_ = true;
  stream_.wait_read([self = shared_from_this()](const boost::system::error_code& ec) {
    self->read_armed_ = false;
    if (!ec) {
      self->guarded([&] { self->on_readable(); });
    }
  });
}

void Connection::want_read() {
  if (resume_posted_ || phase_ == Phase::kClosed) {
    return;
  }
  set_read_deadline();
  const bool busy = phase_ == Phase::kHandling || phase_ == Phase::kAnswering;
  const auto body = busy ? body_.lock() : nullptr;
  const bool wanted = body && body->wanted();
  // While nothing is expected, the end of the stream would still tell that the client has left.
  const bool watched = parser_.done() && pending_.size() < kMaxPipelined;
  if (wanted && (parser_.done() || stream_error_ || (!pending_.empty() && !starved_))) {
    deliver_soon();
  } else if (!busy || wanted || watched) {
    arm_read();
  }
}

void Connection::set_read_deadline() {
  const ServerLimits& limits = core_.options.limits;
  const bool same = phase_ == timed_phase_;
  timed_phase_ = phase_;
  switch (phase_) {
    case Phase::kIdle:
      if (!same) {
        read_deadline_ = core_.loop.clock().now() + limits.keep_alive_timeout;
      }
      break;
    case Phase::kHandshake:
    case Phase::kHead:
      if (!same) {
        read_deadline_ = core_.loop.clock().now() + limits.header_timeout;
      }
      break;
    case Phase::kLinger:
      if (!same) {
        read_deadline_ = core_.loop.clock().now() + kLingerTimeout;
      }
      break;
    case Phase::kBody:
      read_deadline_ = core_.loop.clock().now() + limits.body_idle_timeout;
      break;
    case Phase::kHandling:
    case Phase::kAnswering: {
      const auto body = parser_.done() ? nullptr : body_.lock();
      read_deadline_ = body && body->wanted() ? core_.loop.clock().now() + limits.body_idle_timeout
                                              : TimePoint::max();
      break;
    }
    case Phase::kClosed:
      break;
  }
}

// A TLS connection begins with byte 22; HTTP begins with a letter.
void Connection::greet() {
  constexpr char kHandshakeRecord = 22;
  char first = kHandshakeRecord;
  if (!greeted_) {
    const Stream::Io io = stream_.peek(first);
    if (io == Stream::Io::kEnd || io == Stream::Io::kError) {
      close();  // Whoever only looks whether the port is open does this.
      return;
    }
    if (io == Stream::Io::kAgain) {
      return;
    }
    greeted_ = true;
  }
  if (first >= 'A' && first <= 'Z') {
    stream_.stop_tls();
    core_.tell_handshake_failed(*peer_, "the caller speaks plain HTTP");
    core_.busy.splice(core_.busy.end(), core_.idle, place_);
    refuse(400, "TlsRequired", "this port speaks https only; the address begins with https://");
    return;
  }
  switch (stream_.handshake()) {
    case Stream::Io::kAgain:
      return;
    case Stream::Io::kDone:
      phase_ = Phase::kIdle;
      return;
    default:
      core_.tell_handshake_failed(*peer_, stream_.tls_trouble());
      close();
  }
}

void Connection::on_readable() {
  if (phase_ == Phase::kHandshake) {
    greet();
    want_read();
    return;
  }
  std::size_t n = 0;
  switch (stream_.read(core_.scratch, n)) {
    case Stream::Io::kDone:
      on_bytes({core_.scratch.data(), n});
      // A streamed request answered while its last bytes were handed out has left what came behind
      // it.
      if (phase_ == Phase::kIdle && !pending_.empty() && !resume_posted_) {
        resume();
      }
      break;
    case Stream::Io::kAgain:
      break;
    case Stream::Io::kEnd:
      on_end();
      break;
    case Stream::Io::kError:
      close();
      break;
  }
  want_read();
}

void Connection::on_bytes(std::string_view bytes) {
  if (phase_ == Phase::kLinger) {
    return;
  }
  const bool streaming =
      (phase_ == Phase::kHandling || phase_ == Phase::kAnswering) && !parser_.done();
  if (pending_.empty()) {
    bytes = streaming ? feed_stream(bytes) : consume(bytes);
    if (phase_ != Phase::kClosed && !bytes.empty()) {
      pending_.assign(bytes);
    }
    return;
  }
  pending_.append(bytes);
  if (!streaming) {
    resume();
    return;
  }
  const auto self = shared_from_this();
  const std::string taken = std::exchange(pending_, {});
  pending_.insert(0, feed_stream(taken));
}

// Nobody can tell a client that has left from one that only shut down its sending side and waits
// for the answer. It counts as gone where somebody asked to be told or an endless answer would be
// wasted.
void Connection::on_end() {
  ended_ = true;
  const bool working = phase_ == Phase::kHandling || phase_ == Phase::kAnswering;
  if (!working || !parser_.done() || gone_ || writer_.streaming()) {
    close();
  }
}

void Connection::on_client_gone(std::function<void()> fn) {
  gone_ = std::move(fn);
  if (ended_ && gone_) {
    post_guarded([this] { close(); });
  }
}

void Connection::resume_soon() {
  if (std::exchange(resume_posted_, true)) {
    return;
  }
  post_guarded([this] {
    resume_posted_ = false;
    resume();
    want_read();
  });
}

void Connection::resume() {
  if (consuming_ || phase_ == Phase::kClosed) {
    return;
  }
  const auto self = shared_from_this();
  // Taken out, since a handler that runs meanwhile may close and clear everything.
  const std::string taken = std::exchange(pending_, {});
  const std::string_view rest = consume(taken);
  if (phase_ != Phase::kClosed) {
    pending_.insert(0, rest);
  }
}

std::string_view Connection::consume(std::string_view bytes) {
  if (consuming_) {
    return bytes;
  }
  const auto self = shared_from_this();
  consuming_ = true;
  int requests = 0;
  while (!bytes.empty()) {
    if (phase_ == Phase::kIdle) {
      if (requests++ == kRequestsInARow) {
        resume_soon();
        break;
      }
      // An empty line before a request is allowed (RFC 9112, 2.2).
      if (bytes.starts_with("\r\n")) {
        bytes.remove_prefix(2);
        continue;
      }
      phase_ = Phase::kHead;
      core_.busy.splice(core_.busy.end(), core_.idle, place_);
    }
    if (phase_ == Phase::kHead) {
      std::string none;
      bytes.remove_prefix(parser_.feed(bytes, none));
      if (const auto& error = parser_.error()) {
        refuse(error->status, error->status == 431 ? "TooLarge" : "BadRequest", error->message);
      } else if (parser_.head_done()) {
        on_head();
      } else {
        break;
      }
    } else if (phase_ == Phase::kBody) {
      std::string& body = held_->mutable_request().body;
      const std::uint64_t room = std::min<std::uint64_t>(body_limit_ - body.size(), 1u << 20);
      const std::size_t used = parser_.feed(bytes, body, room + 1);
      bytes.remove_prefix(used);
      read_body();
      if (used == 0) {
        break;
      }
    } else {
      break;
    }
  }
  consuming_ = false;
  return bytes;
}

void Connection::pull() {
  send_continue();
  if (!consuming_) {
    want_read();
  }
}

std::string_view Connection::feed_stream(std::string_view bytes) {
  const auto body = body_.lock();
  if (!body || !body->wanted()) {
    return bytes;
  }
  const auto self = shared_from_this();
  const std::uint64_t room = std::min<std::uint64_t>(body_limit_ - body_taken_ + 1, kStreamChunk);
  std::string chunk;
  bytes.remove_prefix(parser_.feed(bytes, chunk, room));
  body_taken_ += chunk.size();
  starved_ = chunk.empty() && !parser_.done() && !parser_.error();
  consuming_ = true;
  if (const auto& error = parser_.error()) {
    fail_stream(Error::make(ErrorCode::kInvalidArgument, "BadRequest", error->message));
  } else if (body_taken_ > body_limit_) {
    fail_stream(body_too_large(body_limit_));
  } else if (!starved_) {
    body->give(std::move(chunk));
  }
  consuming_ = false;
  return bytes;
}

void Connection::fail_stream(Error error) {
  close_after_ = true;
  stream_error_ = std::move(error);
  if (const auto body = body_.lock()) {
    body->give(fail(*stream_error_));
  }
}

void Connection::deliver_soon() {
  if (std::exchange(deliver_posted_, true)) {
    return;
  }
  post_guarded([this] {
    deliver_posted_ = false;
    const auto body = body_.lock();
    if (!body || !body->wanted()) {
      return;
    }
    if (stream_error_) {
      body->give(fail(*stream_error_));
      return;
    }
    const std::string taken = std::exchange(pending_, {});
    const std::string_view rest = feed_stream(taken);
    if (phase_ != Phase::kClosed) {
      pending_.insert(0, rest);
    }
    // An answer that was finished meanwhile left bytes of the next request here.
    if (phase_ == Phase::kIdle) {
      resume();
    }
    want_read();
  });
}

}  // namespace berth::http
