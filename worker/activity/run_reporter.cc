#include "worker/activity/run_reporter.h"

#include <algorithm>
#include <utility>

namespace berth::worker {
namespace {
constexpr Duration kPace = std::chrono::milliseconds(100);
}  // namespace

RunReporter::RunReporter(EventLoop& loop, ActivityEvents events, TailFn stderr_tail)
    : loop_(loop), events_(std::move(events)), stderr_tail_(std::move(stderr_tail)) {}

void RunReporter::progress(Json value) {
  progress_ = std::move(value);
  schedule();
}

void RunReporter::stderr_grew() {
  stderr_grew_ = true;
  schedule();
}

void RunReporter::process_group(int group) {
  loop_.post([this, group, weak = std::weak_ptr(alive_)] {
    if (!weak.expired() && events_.process_group) {
      events_.process_group(group);
    }
  });
}

void RunReporter::output_grew() {
  if (!done_ && events_.output_grew) {
    events_.output_grew();
  }
}

void RunReporter::schedule() {
  if (!flush_timer_ && !done_) {
    const TimePoint when = std::max(loop_.clock().now(), next_flush_);
    flush_timer_ = loop_.call_at(when, [this] {
      flush_timer_.release();
      flush();
    });
  }
}

void RunReporter::flush() {
  const std::weak_ptr<bool> weak = alive_;
  next_flush_ = loop_.clock().now() + kPace;
  if (progress_ && events_.progress) {
    events_.progress(*std::exchange(progress_, std::nullopt));
  }
  if (!weak.expired() && std::exchange(stderr_grew_, false) && events_.stderr_tail &&
      stderr_tail_) {
    events_.stderr_tail(stderr_tail_());
  }
}

void RunReporter::done(ActivityOutcome outcome) {
  if (std::exchange(done_, true)) {
    return;
  }
  flush_timer_.cancel();
  loop_.post([this, outcome = std::move(outcome), weak = std::weak_ptr(alive_)]() mutable {
    if (!weak.expired()) {
      flush();
    }
    if (!weak.expired()) {
      // Moved out first: the owner may destroy the run, and this with it, inside the call.
      const auto fn = std::move(events_.done);
      fn(std::move(outcome));
    }
  });
}

}  // namespace berth::worker
