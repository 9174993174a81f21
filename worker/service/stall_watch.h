#pragma once

#include <functional>

#include "berth/base/event_loop.h"

namespace berth::worker {

/// Notices that the loop stood still (SIGSTOP, a suspended machine, a starved CPU): a beat that
/// should come every half second came late. Tells the longest time for which nobody can have been
/// heard: since the beat before.
class StallWatch {
 public:
  static constexpr Duration kBeat = std::chrono::milliseconds(500);
  static constexpr Duration kLate = std::chrono::milliseconds(250);

  StallWatch(EventLoop& loop, std::function<void(Duration)> stalled)
      : loop_(loop), stalled_(std::move(stalled)) {
    next();
  }

 private:
  void next() {
    last_ = loop_.clock().now();
    timer_ = loop_.call_at(last_ + kBeat, [this] {
      const Duration since = loop_.clock().now() - last_;
      if (since > kBeat + kLate) {
        stalled_(since);
      }
      next();
    });
  }

  EventLoop& loop_;
  std::function<void(Duration)> stalled_;
  TimePoint last_{};
  Cancel timer_;
};

}  // namespace berth::worker
