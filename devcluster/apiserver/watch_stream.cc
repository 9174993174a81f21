#include "devcluster/apiserver/watch_stream.h"

#include <utility>

namespace berth::devcluster {

WatchStream::~WatchStream() {
  if (on_gone_) {
    loop_.post(std::move(on_gone_));
  }
}

void WatchStream::push(std::string line) {
  if (done()) {
    return;
  }
  line += '\n';
  queued_ += line.size();
  if (queued_ > limits_.bytes) {
    cut(Error::make(ErrorCode::kResourceExhausted, "SlowWatcher",
                    "the watcher does not read its events"));
    return;
  }
  lines_.push_back(std::move(line));
  serve();
}

void WatchStream::push_backlog(std::string line) {
  limits_.bytes += line.size() + 1;
  push(std::move(line));
}

void WatchStream::end() {
  ended_ = true;
  serve();
}

void WatchStream::cut(Error why) {
  if (!error_) {
    error_ = std::move(why);
    lines_.clear();
    queued_ = 0;
    serve();
  }
}

void WatchStream::next(ChunkFn fn) {
  waiting_ = std::move(fn);
  serve();
}

std::string WatchStream::take() {
  std::string& front = lines_.front();
  std::string chunk;
  if (limits_.frame_bytes == 0 || front.size() <= limits_.frame_bytes) {
    chunk = std::move(front);
    lines_.pop_front();
  } else {
    chunk = front.substr(0, limits_.frame_bytes);
    front.erase(0, limits_.frame_bytes);
  }
  queued_ -= chunk.size();
  return chunk;
}

void WatchStream::serve() {
  if (posted_ || !waiting_ || (lines_.empty() && !done())) {
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
    } else if (!self->lines_.empty()) {
      fn(self->take());
    } else {
      fn(std::string());
    }
  });
}

}  // namespace berth::devcluster
