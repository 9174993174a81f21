#include "lib/http/src/client_call.h"
#include "lib/http/src/wire.h"

namespace berth::http {

namespace {

constexpr std::uint64_t kMaxHead = 64u << 10;

class ClientBody final : public BodySource {
 public:
  explicit ClientBody(std::shared_ptr<ClientCall> call) : call_(std::move(call)) {}
  ~ClientBody() override { call_->abandon(); }
  void next(ChunkFn fn) override { call_->pull(std::move(fn)); }
  std::optional<std::uint64_t> length() const override { return call_->body_length(); }

 private:
  const std::shared_ptr<ClientCall> call_;
};

}  // namespace

void ClientCall::arm_read() {
  if (std::exchange(read_armed_, true)) {
    return;
  }
  stream_->wait_read([self = shared_from_this()](const boost::system::error_code& ec) {
    self->read_armed_ = false;
    if (!ec && self->pool_) {
      self->on_readable();
    }
  });
}

void ClientCall::on_readable() {
  if (streaming_ && !chunk_fn_) {
    return;  // Nobody pulls: the bytes stay with the kernel.
  }
  std::size_t n = 0;
  std::vector<char>& scratch = pool_->scratch();
  switch (stream_->read(scratch, n)) {
    case Stream::Io::kDone:
      got_bytes_ = true;
      if (!parser_) {
        parser_.emplace(MessageParser::Kind::kResponse, kMaxHead);
        parser_->reset(request_.method == "HEAD");
      }
      on_bytes({scratch.data(), n});
      break;
    case Stream::Io::kAgain:
      break;
    case Stream::Io::kEnd:
      on_end();
      return;
    case Stream::Io::kError:
      lost("the connection was reset");
      return;
  }
  if (pool_ && !streaming_) {
    arm_read();
  } else {
    next_step();
  }
}

void ClientCall::on_bytes(std::string_view bytes) {
  std::string joined;
  if (!pending_.empty()) {
    joined = std::exchange(pending_, {}).append(bytes);
    bytes = joined;
  }
  receiving_ = true;
  if (!parser_->head_done()) {
    bytes = read_head(bytes);
  }
  if (pool_ && parser_->head_done()) {
    bytes = streaming_ ? read_chunk(bytes) : read_body(bytes);
  }
  receiving_ = false;
  if (pool_) {
    pending_.assign(bytes);
  }
}

void ClientCall::on_end() {
  if (!parser_ || !parser_->head_done() || !parser_->end_of_stream()) {
    lost(got_bytes_ ? "the server closed the connection within its answer"
                    : "the server closed the connection without an answer");
    return;
  }
  if (streaming_) {
    release(false);
    next_step();
  } else {
    finish(std::move(response_));
  }
}

std::string_view ClientCall::read_head(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string none;
    bytes.remove_prefix(parser_->feed(bytes, none));
    if (const auto& error = parser_->error()) {
      lost("the server sent something that is no HTTP answer: " + error->message);
      return {};
    }
    if (!parser_->head_done()) {
      return bytes;
    }
    const int status = parser_->head().status;
    if (status >= 200) {
      on_head();
      return bytes;
    }
    if (status == 101) {
      lost("the server wants to switch to another protocol");
      return {};
    }
    parser_->reset(request_.method == "HEAD");
  }
  return bytes;
}

void ClientCall::on_head() {
  Head& head = parser_->head();
  response_.status = head.status;
  response_.headers = std::move(head.headers);
  if (!sent_ && head.status >= 300) {
    writer_.stop();
  }
  if (!options_.stream) {
    response_.body.reserve(std::min<std::uint64_t>(head.content_length.value_or(0), kStreamChunk));
    return;
  }
  streaming_ = true;
  timer_.cancel();
  body_length_ = parser_->done() ? std::optional<std::uint64_t>(0) : head.content_length;
  response_.body_source = std::make_shared<ClientBody>(shared_from_this());
  const auto done = std::exchange(done_, nullptr);
  done(std::move(response_));
}

bool ClientCall::reusable(std::string_view rest) const {
  return sent_ && rest.empty() && parser_->keep_alive();
}

std::string_view ClientCall::read_body(std::string_view bytes) {
  const bool too_long = parser_->head().content_length.value_or(0) > options_.max_body;
  while (!too_long && !bytes.empty() && !parser_->done() && !parser_->error() &&
         response_.body.size() <= options_.max_body) {
    const std::uint64_t room = options_.max_body - response_.body.size() + 1;
    const std::size_t used = parser_->feed(bytes, response_.body, room);
    bytes.remove_prefix(used);
    if (used == 0) {
      break;
    }
  }
  if (const auto& error = parser_->error()) {
    lost("the server's answer is broken: " + error->message);
  } else if (!parser_->done() && (too_long || response_.body.size() > options_.max_body)) {
    fail_with(ErrorCode::kResourceExhausted, "TooLarge",
              request_.method + " " + origin_ + ": the answer is larger than " +
                  std::to_string(options_.max_body) + " bytes");
  } else if (parser_->done()) {
    const auto self = shared_from_this();
    release(reusable(bytes));
    finish(std::move(response_));
  }
  return bytes;
}

std::string_view ClientCall::read_chunk(std::string_view bytes) {
  const auto self = shared_from_this();
  if (parser_->done()) {
    release(reusable(bytes));
    return bytes;
  }
  if (!chunk_fn_) {
    return bytes;
  }
  std::string chunk;
  bytes.remove_prefix(parser_->feed(bytes, chunk, kStreamChunk));
  if (const auto& error = parser_->error()) {
    lost(error->message);
    return {};
  }
  starved_ = chunk.empty() && !parser_->done();
  if (parser_->done()) {
    release(reusable(bytes));
  }
  if (!starved_) {
    give(std::move(chunk));
  }
  return bytes;
}

void ClientCall::pull(BodySource::ChunkFn fn) {
  chunk_fn_ = std::move(fn);
  if (pool_ && options_.idle_timeout > Duration::zero()) {
    timer_ = loop_.call_after(options_.idle_timeout, [this] {
      fail_stream(Error::make(ErrorCode::kDeadlineExceeded, "IdleTimeout",
                              "the answer of " + origin_ + " stopped coming"));
    });
  }
  if (!receiving_) {
    next_step();
  }
}

void ClientCall::next_step() {
  if (!chunk_fn_) {
    return;
  }
  if (!pool_ || (!pending_.empty() && !starved_)) {
    deliver_soon();
  } else {
    arm_read();
  }
}

void ClientCall::deliver_soon() {
  if (std::exchange(deliver_posted_, true)) {
    return;
  }
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->deliver_posted_ = false;
      self->deliver();
    }
  });
}

void ClientCall::deliver() {
  if (!chunk_fn_) {
    return;
  }
  if (stream_error_) {
    give(fail(*stream_error_));
  } else if (!pool_) {
    give(std::string());
  } else {
    receiving_ = true;
    const std::string taken = std::exchange(pending_, {});
    const std::string_view rest = read_chunk(taken);
    receiving_ = false;
    if (pool_) {
      pending_.assign(rest);
    }
    next_step();
  }
}

void ClientCall::give(Result<std::string> chunk) {
  timer_.cancel();
  if (const auto fn = std::exchange(chunk_fn_, nullptr)) {
    fn(std::move(chunk));
  }
}

void ClientCall::fail_stream(Error error) {
  const auto self = shared_from_this();
  if (!pool_) {
    return;
  }
  stream_error_ = std::make_unique<Error>(std::move(error));
  release(false);
  next_step();
}

void ClientCall::abandon() {
  chunk_fn_ = nullptr;
  release(false);
}

}  // namespace berth::http
