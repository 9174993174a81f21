#pragma once

#include <functional>
#include <optional>

#include "berth/api/activity.h"
#include "berth/base/event_loop.h"

namespace berth::worker {

/// The two clocks of a running activity: how long it may take, and how long it may be silent. Calls
/// back once, with the failure ("Timeout" or "HeartbeatTimeout") that the run then ends with. Loop
/// thread only.
class RunTimers {
 public:
  using ExpiredFn = std::function<void(api::ActivityFailure)>;

  /// `start_to_close` is what the caller asked for; `bound` the pool's limit and default.
  RunTimers(EventLoop& loop, std::optional<Duration> start_to_close, Duration bound,
            std::optional<Duration> heartbeat, ExpiredFn fn);

  /// It reported progress.
  void heard();
  void stop();

 private:
  void expire(api::ActivityFailure failure);
  void watch_heartbeat();

  EventLoop& loop_;
  std::optional<Duration> heartbeat_;
  ExpiredFn fn_;
  TimePoint last_heard_;
  Cancel close_timer_;
  Cancel heartbeat_timer_;
};

}  // namespace berth::worker
