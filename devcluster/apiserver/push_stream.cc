#include "devcluster/apiserver/push_stream.h"

#include <utility>

namespace berth::devcluster {

PushStream::~PushStream() {
  if (on_gone_) {
    loop_.post(std::move(on_gone_));
  }
}

void PushStream::push(std::string bytes) {
  if (done() || bytes.empty()) {
    return;
  }
  queued_ += bytes.size();
  if (queued_ > limits_.bytes) {
    cut(Error::make(ErrorCode::kResourceExhausted, "SlowReader",
                    "the client does not read the stream"));
    return;
  }
  chunks_.push_back(std::move(bytes));
  serve();
}

void PushStream::push_backlog(std::string bytes) {
  limits_.bytes += bytes.size();
  push(std::move(bytes));
}

void PushStream::end() {
  ended_ = true;
  serve();
}

void PushStream::cut(Error why) {
  if (!error_) {
    error_ = std::move(why);
    chunks_.clear();
    queued_ = 0;
    serve();
  }
}

void PushStream::next(ChunkFn fn) {
  waiting_ = std::move(fn);
  serve();
}

std::string PushStream::take() {
  std::string& front = chunks_.front();
  std::string chunk;
  if (limits_.frame_bytes == 0 || front.size() <= limits_.frame_bytes) {
    chunk = std::move(front);
    chunks_.pop_front();
  } else {
    chunk = front.substr(0, limits_.frame_bytes);
    front.erase(0, limits_.frame_bytes);
  }
  queued_ -= chunk.size();
  return chunk;
}

void PushStream::serve() {
  if (posted_ || !waiting_ || (chunks_.empty() && !done())) {
    return;
  }
  posted_ = true;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) {
      return;
    }
    self->posted_ = false;
    auto fn = std::exchange(self->waiting_, nullptr);
    if (self->error_) {
      fn(fail(*self->error_));
    } else if (!self->chunks_.empty()) {
      fn(self->take());
    } else {
      fn(std::string());
    }
  });
}

}  // namespace berth::devcluster
