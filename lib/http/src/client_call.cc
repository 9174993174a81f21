#include "lib/http/src/client_call.h"

#include <boost/asio/ip/address.hpp>

#include "lib/http/src/ascii.h"

namespace berth::http {

namespace asio = boost::asio;

ClientCall::ClientCall(ClientPool& pool, Url url, Request request, const CallOptions& options,
                       Transport::DoneFn done)
    : pool_(&pool),
      loop_(pool.loop()),
      url_(std::move(url)),
      origin_(url_.origin()),
      request_(std::move(request)),
      options_(options),
      done_(std::move(done)),
      no_body_(request_.body.empty() && !request_.body_source),
      has_source_(request_.body_source != nullptr),
      writer_(loop_, *this) {}

ClientCall::~ClientCall() = default;

void ClientCall::start() {
  timer_ = loop_.call_after(options_.deadline, [this] {
    fail_with(ErrorCode::kDeadlineExceeded, "",
              request_.method + " " + origin_ + ": no answer in time");
  });
  stream_ = pool_->take(pool_key());
  reused_ = stream_ != nullptr;
  if (stream_) {
    begin_exchange();
  } else {
    connect();
  }
}

std::string ClientCall::pool_key() const {
  return options_.server_name.empty() ? origin_ : origin_ + "#" + options_.server_name;
}

void ClientCall::cancel() {
  if (done_ && pool_) {
    const auto self = shared_from_this();
    const auto done = std::exchange(done_, nullptr);
    release(false);
  }
}

void ClientCall::orphan() {
  const auto self = shared_from_this();
  const auto done = std::exchange(done_, nullptr);
  if (streaming_) {
    fail_stream(Error::make(ErrorCode::kCancelled, "", "the transport was closed"));
  }
  release(false);
}

// Asynchronous even for an address: connecting is what must not block or call back inside send().
void ClientCall::connect() {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(url_.host, ec);
  if (ec) {
    resolve();
    return;
  }
  endpoints_ = {{address, url_.port}};
  next_endpoint_ = 0;
  try_next_endpoint("");
}

void ClientCall::resolve() {
  resolver_ = std::make_unique<Resolver>(loop_.context());
  resolver_->async_resolve(url_.host, std::to_string(url_.port),
                           asio::ip::resolver_base::numeric_service,
                           [self = shared_from_this()](const boost::system::error_code& ec,
                                                       const Resolver::results_type& found) {
                             if (!self->pool_) {
                               return;
                             }
                             self->endpoints_.clear();
                             self->next_endpoint_ = 0;
                             for (const auto& entry : found) {
                               self->endpoints_.push_back(entry.endpoint());
                             }
                             self->try_next_endpoint(ec ? ec.message() : "the name has no address");
                           });
}

void ClientCall::try_next_endpoint(std::string why) {
  if (next_endpoint_ >= endpoints_.size()) {
    loop_.post([self = shared_from_this(), why = std::move(why)] {
      if (self->pool_) {
        self->fail_with(ErrorCode::kUnavailable, "ConnectFailed",
                        "connecting to " + self->url_.authority() + ": " + why);
      }
    });
    return;
  }
  const Tcp::endpoint endpoint = endpoints_[next_endpoint_++];
  stream_ = std::make_unique<Stream>(loop_.context());
  if (!stream_->open(endpoint.protocol())) {
    try_next_endpoint(Error::from_errno(errno, "opening a socket").message);
    return;
  }
  stream_->set_options();
  stream_->socket().async_connect(endpoint,
                                  [self = shared_from_this()](const boost::system::error_code& ec) {
                                    if (!self->pool_) {
                                      return;
                                    }
                                    if (ec) {
                                      self->try_next_endpoint(ec.message());
                                    } else {
                                      self->on_connected();
                                    }
                                  });
}

void ClientCall::on_connected() {
  if (url_.scheme != "https") {
    begin_exchange();
    return;
  }
  const auto roots = pool_->roots();
  if (!roots) {
    try_next_endpoint(roots.error().text());
    return;
  }
  const std::string& usual = pool_->settings().server_name;
  const std::string& name = options_.server_name.empty() ? usual : options_.server_name;
  stream_->start_tls(**roots, name.empty() ? url_.host : name);
  shake_hands();
}

void ClientCall::shake_hands() {
  switch (stream_->handshake()) {
    case Stream::Io::kDone:
      begin_exchange();
      return;
    case Stream::Io::kAgain:
      stream_->wait_read([self = shared_from_this()](const boost::system::error_code& ec) {
        if (!ec && self->pool_) {
          self->shake_hands();
        }
      });
      return;
    default:
      try_next_endpoint("TLS: " + stream_->tls_trouble());
  }
}

void ClientCall::begin_exchange() {
  parser_.reset();
  got_bytes_ = sent_ = false;
  pending_.clear();
  if (repeating_) {
    writer_.repeat(*stream_);
  } else {
    // Before the body is moved away: the head tells its length.
    const std::string head = build_head();
    if (request_.body_source) {
      const bool chunked = !request_.body_source->length();
      writer_.send(*stream_, head, std::move(request_.body_source), chunked);
    } else {
      writer_.send(*stream_, head, std::move(request_.body));
    }
    // The writer has it all, also for a repetition; an answer may take half a minute to come.
    request_.headers = {};
    request_.target = {};
  }
  arm_read();
}

std::string ClientCall::build_head() const {
  std::string head;
  head.reserve(512);
  head.append(request_.method).append(" ").append(request_.target).append(" HTTP/1.1\r\n");
  if (!request_.headers.has("Host")) {
    append_field(head, "Host", url_.authority());
  }
  if (!request_.headers.has("User-Agent")) {
    append_field(head, "User-Agent", pool_->settings().user_agent);
  }
  for (const auto& [name, value] : request_.headers) {
    if (!is_framing_field(name)) {
      append_field(head, name, value);
    }
  }
  const std::string_view method = request_.method;
  if (request_.body_source) {
    if (const auto length = request_.body_source->length()) {
      append_field(head, "Content-Length", std::to_string(*length));
    } else {
      append_field(head, "Transfer-Encoding", "chunked");
    }
  } else if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    append_field(head, "Content-Length", std::to_string(request_.body.size()));
  }
  return head.append("\r\n");
}

void ClientCall::on_written(MessageWriter::End end) {
  if (!pool_) {
    return;
  }
  switch (end) {
    case MessageWriter::End::kSent:
      sent_ = true;
      break;
    case MessageWriter::End::kSourceFailed: {
      Error error = writer_.error();
      loop_.post(
          [self = shared_from_this(), error = std::move(error).wrap("reading the request's body")] {
            self->fail_with(error.code, error.reason, error.message);
          });
      break;
    }
    case MessageWriter::End::kPeerLost:
      // What the server said before it closed may still be there to read; reading finds out.
      break;
  }
}

bool ClientCall::may_retry() const {
  const std::string& method = request_.method;
  const bool repeatable = method == "GET" || method == "HEAD" || (method == "DELETE" && no_body_);
  return reused_ && !got_bytes_ && !has_source_ && (repeatable || writer_.untouched());
}

void ClientCall::lost(const std::string& why) {
  if (streaming_) {
    fail_stream(Error::make(ErrorCode::kUnavailable, "ConnectionLost",
                            "the answer of " + origin_ + " was cut short: " + why));
  } else if (may_retry()) {
    reused_ = false;
    repeating_ = true;
    stream_->close();
    connect();
  } else {
    fail_with(ErrorCode::kUnavailable, "ConnectionLost",
              request_.method + " " + origin_ + ": " + why);
  }
}

void ClientCall::fail_with(ErrorCode code, std::string reason, std::string message) {
  Error error = Error::make(code, std::move(reason), std::move(message));
  if (streaming_) {
    fail_stream(std::move(error));
  } else {
    finish(fail(std::move(error)));
  }
}

void ClientCall::finish(Result<Response> result) {
  const auto self = shared_from_this();
  release(false);
  if (const auto done = std::exchange(done_, nullptr)) {
    done(std::move(result));
  }
}

void ClientCall::release(bool reusable) {
  if (!pool_) {
    return;
  }
  const auto self = shared_from_this();
  ClientPool* const pool = std::exchange(pool_, nullptr);
  timer_.cancel();
  writer_.stop();
  if (resolver_) {
    resolver_->cancel();
  }
  if (reusable) {
    pool->give(pool_key(), std::move(stream_));
  } else if (stream_) {
    stream_->close();
  }
  pool->remove(*this);
}

}  // namespace berth::http
