#include "lib/http/src/writer.h"

#include <boost/asio/post.hpp>

namespace berth::http {

namespace {
// Chunks written in a row before others get their turn.
constexpr int kChunksInARow = 16;
}  // namespace

void MessageWriter::send(Stream& stream, std::string_view head, std::string body) {
  stop();
  out_.set(head, std::move(body));
  start(stream);
}

void MessageWriter::send(Stream& stream, std::string_view head, std::shared_ptr<BodySource> source,
                         bool chunked) {
  stop();
  out_.set(head, {});
  source_ = std::move(source);
  left_ = source_->length();
  chunked_ = chunked;
  start(stream);
}

void MessageWriter::repeat(Stream& stream) {
  out_.rewind();
  start(stream);
}

void MessageWriter::start(Stream& stream) {
  ++message_;
  stream_ = &stream;
  busy_ = true;
  source_failed_ = asked_ = armed_ = false;
  blocked_since_ = TimePoint::max();
  go_soon();
}

void MessageWriter::go_soon() {
  // Asio keeps the memory of what is posted to it directly.
  boost::asio::post(loop_.context(),
                    [this, message = message_, weak = std::weak_ptr(owner_.keep())] {
                      const auto alive = weak.lock();
                      if (alive && message == message_) {
                        go();
                      }
                    });
}

void MessageWriter::hurry() {
  if (busy_ && !source_ && !armed_) {
    [[maybe_unused]] const Stream::Io io = stream_->write(out_);
  }
}

void MessageWriter::stop() {
  ++message_;
  busy_ = false;
  asked_ = false;
  blocked_since_ = TimePoint::max();
  out_.clear();
  // Last: its destructor is somebody else's code.
  const auto source = std::exchange(source_, nullptr);
}

// A loop, not a recursion: a source in memory calls back inside next().
void MessageWriter::go() {
  if (going_ || !busy_) {
    return;
  }
  const auto keep = owner_.keep();
  going_ = true;
  std::optional<End> end;
  int chunks = 0;
  const std::uint64_t message = message_;
  do {
    end = step(chunks);
  } while (!end && busy_ && message == message_ && !asked_ && !armed_ && chunks <= kChunksInARow);
  going_ = false;
  if (message != message_) {
    return;
  }
  if (!end && busy_ && !asked_ && !armed_) {
    go_soon();
  }
  if (end) {
    busy_ = false;
    const auto source = std::exchange(source_, nullptr);
    owner_.on_written(*end);
  }
}

std::optional<MessageWriter::End> MessageWriter::step(int& chunks) {
  if (source_failed_) {
    return End::kSourceFailed;
  }
  switch (stream_->write(out_)) {
    case Stream::Io::kDone:
      blocked_since_ = TimePoint::max();
      break;
    case Stream::Io::kAgain:
      wait();
      return std::nullopt;
    default:
      return End::kPeerLost;
  }
  if (!source_) {
    return End::kSent;
  }
  ++chunks;
  ask();
  return std::nullopt;
}

void MessageWriter::ask() {
  asked_ = true;
  const auto source = source_;
  try {
    source->next(
        [this, message = message_, weak = std::weak_ptr(owner_.keep())](Result<std::string> chunk) {
          const auto alive = weak.lock();
          if (alive && message == message_ && asked_) {
            on_chunk(std::move(chunk));
          }
        });
  } catch (...) {
    on_chunk(fail(Error::internal("reading a body failed")));
  }
}

void MessageWriter::on_chunk(Result<std::string> chunk) {
  asked_ = false;
  const bool last = chunk && chunk->empty();
  if (!chunk) {
    source_failed_ = true;
    error_ = std::make_unique<Error>(chunk.error());
  } else if (left_ && (last ? *left_ > 0 : chunk->size() > *left_)) {
    source_failed_ = true;
    error_ = std::make_unique<Error>(Error::internal("a body is not as long as it was said to be"));
  } else if (last) {
    source_ = nullptr;
    out_.set(chunked_ ? "0\r\n\r\n" : "", {});
  } else if (chunked_) {
    const std::string head = chunk_head(chunk->size());
    out_.set(head, std::move(*chunk), "\r\n");
  } else {
    if (left_) {
      *left_ -= chunk->size();
    }
    out_.set({}, std::move(*chunk));
  }
  go();
}

void MessageWriter::wait() {
  blocked_since_ = loop_.clock().now();
  armed_ = true;
  stream_->wait_write(
      [this, message = message_, keep = owner_.keep()](const boost::system::error_code& ec) {
        if (message != message_) {
          return;
        }
        armed_ = false;
        if (!ec) {
          go();
        }
      });
}

}  // namespace berth::http
