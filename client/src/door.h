#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "berth/base/event_loop.h"

namespace berth::client {

/// The way from any thread onto the client's loop, for things that may outlive the client.
/// Thread-safe.
class Door {
 public:
  explicit Door(EventLoop& loop) : loop_(&loop) {}

  /// False once the door is shut: `fn` will not run.
  bool post(std::function<void()> fn) {
    const std::lock_guard lock(mutex_);
    if (loop_ == nullptr) {
      return false;
    }
    loop_->post(std::move(fn));
    return true;
  }

  /// Nothing comes in behind `last`; everything before it has run when it runs.
  void shut(std::function<void()> last) {
    const std::lock_guard lock(mutex_);
    if (auto* loop = std::exchange(loop_, nullptr)) {
      loop->post(std::move(last));
    }
  }

 private:
  std::mutex mutex_;
  EventLoop* loop_;
};

}  // namespace berth::client
