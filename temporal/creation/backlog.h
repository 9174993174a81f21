#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "berth/base/clock.h"

namespace berth::temporal {

/// How many requests wait in Temporal's queue, as far as one can know. The server counts about,
/// and answers from a cache of five seconds (matching.TaskQueueInfoByBuildIdTTL): a number that it
/// repeats tells nothing of what was taken since. A request that was handed back is counted by
/// nobody until its retry is due, so it is remembered here.
class Backlog {
 public:
  void counted(std::int64_t number, TimePoint now) {
    while (!returning_.empty() && returning_.front() <= now) {
      returning_.pop_front();
    }
    if (number == last_number_ && now - believed_since_ < kCached) {
      return;
    }
    last_number_ = counted_ = number;
    believed_since_ = now;
    phantoms_ = now < phantoms_until_ ? std::min(phantoms_, counted_) : 0;
  }
  void taken() {
    counted_ = std::max<std::int64_t>(counted_ - 1, 0);
    if (!returning_.empty()) {
      returning_.pop_front();
    }
  }
  void handed_back(TimePoint now) { returning_.push_back(now + kReturn); }
  /// Somebody has polled for long and got nothing: those who are counted are not there.
  void nobody_came(TimePoint now) {
    returning_.clear();
    phantoms_ = counted_;
    phantoms_until_ = now + kDoubt;
  }

  std::int64_t waiting() const {
    return std::max<std::int64_t>(counted_ - phantoms_,
                                  static_cast<std::int64_t>(returning_.size()));
  }

 private:
  static constexpr Duration kCached = std::chrono::seconds(5);
  static constexpr Duration kReturn = std::chrono::seconds(10);
  static constexpr Duration kDoubt = std::chrono::minutes(1);

  std::int64_t last_number_ = -1;
  std::int64_t counted_ = 0;
  std::int64_t phantoms_ = 0;
  TimePoint believed_since_{};
  TimePoint phantoms_until_{};
  std::deque<TimePoint> returning_;  ///< Until when each is expected; soonest first.
};

}  // namespace berth::temporal
