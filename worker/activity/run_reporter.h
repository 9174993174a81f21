#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "worker/activity/executor.h"

namespace berth::worker {

/// Passes a run's news on to its ActivityEvents, keeping their promises: on the loop, never inside
/// the call that caused them, `done` once and last. Progress and the tail of stderr are told at
/// most every 100 ms, the newest only, however fast an activity reports. Nothing is told after it
/// is destroyed.
class RunReporter {
 public:
  using TailFn = std::function<std::string()>;

  /// `stderr_tail` is asked when there is something to tell. May be null.
  RunReporter(EventLoop& loop, ActivityEvents events, TailFn stderr_tail = nullptr);

  void progress(Json value);
  void stderr_grew();
  void process_group(int group);
  /// At once: whoever reads output takes what has come together since.
  void output_grew();
  /// Tells what is still untold, then the outcome. Only the first one counts.
  void done(ActivityOutcome outcome);
  bool is_done() const { return done_; }

 private:
  void schedule();
  void flush();

  EventLoop& loop_;
  ActivityEvents events_;
  TailFn stderr_tail_;
  std::optional<Json> progress_;
  bool stderr_grew_ = false;
  bool done_ = false;
  TimePoint next_flush_{};
  Cancel flush_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
