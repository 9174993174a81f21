#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "berth/base/event_loop.h"

namespace berth::fakes {

/// A clock that stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall_now() const override { return wall_; }
  void set(TimePoint t) {
    wall_ += t - now_;
    now_ = t;
  }
  /// Somebody sets the wall clock; boot time does not notice.
  void jump_wall(Duration by) { wall_ += by; }

 private:
  TimePoint now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'790'000'000)};
};

/// An event loop driven by the test. Nothing runs until run_ready() or advance() is called.
class ManualLoop final : public EventLoop {
 public:
  void post(std::function<void()> fn) override { posted_.push_back(std::move(fn)); }
  Cancel call_at(TimePoint when, std::function<void()> fn) override;
  const Clock& clock() const override { return clock_; }
  ManualClock& manual_clock() { return clock_; }

  /// Runs what is posted and due, and what that posts, until nothing is left to do at this moment.
  void run_ready();
  /// Moves time forward, stopping at each timer on the way and running it at its own time.
  void advance(Duration by);
  /// As a stalled or suspended process sees it: time jumps at once, then all that came due runs
  /// late.
  void stall(Duration by);
  std::size_t timers() const { return timers_->size(); }

 private:
  using TimerMap = std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>>;
  bool run_one_due();
  ManualClock clock_;
  std::deque<std::function<void()>> posted_;
  std::shared_ptr<TimerMap> timers_ = std::make_shared<TimerMap>();
  std::uint64_t last_ = 0;
};

}  // namespace berth::fakes
