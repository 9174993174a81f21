#include "gateway/ui/event_stream.h"

#include <utility>

namespace berth::gateway::ui {

void EventStream::send(std::string_view event) {
  if (ended_ || behind_) {
    return;  // The snapshot will hold it.
  }
  if (pending_.size() + event.size() > max_pending_) {
    behind_ = true;
    std::string().swap(pending_);
  } else {
    pending_.append(event);
  }
  serve();
}

void EventStream::end() {
  ended_ = true;
  serve();
}

void EventStream::next(ChunkFn fn) {
  fn_ = std::move(fn);
  serve();
}

std::string EventStream::take() {
  if (ended_) {
    return {};
  }
  if (std::exchange(behind_, false)) {
    return snapshot_();
  }
  return std::exchange(pending_, {});
}

void EventStream::serve() {
  if (posted_ || !fn_ || (!ended_ && !behind_ && pending_.empty())) {
    return;
  }
  posted_ = true;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->posted_ = false;
      const auto fn = std::exchange(self->fn_, nullptr);
      fn(self->take());
    }
  });
}

}  // namespace berth::gateway::ui
