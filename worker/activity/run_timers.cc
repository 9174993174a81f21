#include "worker/activity/run_timers.h"

#include <algorithm>
#include <utility>

#include "berth/base/duration.h"

namespace berth::worker {

RunTimers::RunTimers(EventLoop& loop, std::optional<Duration> start_to_close, Duration bound,
                     std::optional<Duration> heartbeat, ExpiredFn fn)
    : loop_(loop), heartbeat_(heartbeat), fn_(std::move(fn)), last_heard_(loop.clock().now()) {
  const Duration limit = std::min(start_to_close.value_or(bound), bound);
  close_timer_ = loop_.call_after(limit, [this, limit] {
    expire({"Timeout", "the activity did not finish within " + format_duration(limit), true});
  });
  if (heartbeat_) {
    watch_heartbeat();
  }
}

// The timer is not moved with each report: it looks, when it fires, how long the silence really
// was.
void RunTimers::watch_heartbeat() {
  heartbeat_timer_ = loop_.call_at(last_heard_ + *heartbeat_, [this] {
    if (loop_.clock().now() < last_heard_ + *heartbeat_) {
      watch_heartbeat();
    } else {
      expire({"HeartbeatTimeout",
              "the activity reported no progress for " + format_duration(*heartbeat_), true});
    }
  });
}

void RunTimers::heard() {
  last_heard_ = loop_.clock().now();
}

void RunTimers::stop() {
  close_timer_.cancel();
  heartbeat_timer_.cancel();
}

void RunTimers::expire(api::ActivityFailure failure) {
  stop();
  fn_(std::move(failure));
}

}  // namespace berth::worker
