#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "berth/base/event_loop.h"

namespace berth::http::cpprest {

/// The way from pool threads to the loop, until it is shut. The one place in this library with a
/// mutex: a pool thread may come while the transport, and after it the loop, is being destroyed.
class LoopDoor {
 public:
  explicit LoopDoor(EventLoop& loop) : loop_(&loop) {}

  /// Thread-safe. Drops `fn` after shut().
  void post(std::function<void()> fn) {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) {
      loop_->post(std::move(fn));
    }
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  EventLoop* loop_;
};

}  // namespace berth::http::cpprest
