#include "worker/activity/function_executor.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "worker/activity/outcome.h"
#include "worker/activity/process/output_tail.h"
#include "worker/activity/run_reporter.h"
#include "worker/activity/run_timers.h"

namespace berth::worker {
namespace {

class FunctionRun;

/// What the loop and the function's thread share. The run may be gone before the thread is (in a
/// worker that exits), so the thread reaches it only through `run`, on the loop.
struct Shared {
  explicit Shared(EventLoop& l) : loop(l) {}
  EventLoop& loop;
  std::stop_source stop;
  std::atomic<bool> claimed = false;  // By the thread that runs it, or by a cancel before that.
  std::weak_ptr<FunctionRun*> run;    // Locked on the loop only.

  std::mutex mutex;
  std::optional<Json> progress;  // Reported and not yet seen by the loop. Guarded by mutex.
};

class FunctionRun final : public ActivityRun {
 public:
  FunctionRun(EventLoop& loop, Log log, FunctionLimits limits, const ActivityTask& task,
              ActivityEvents events)
      : loop_(loop),
        log_(std::move(log)),
        limits_(limits),
        reporter_(loop, std::move(events)),
        timers_(loop, task.start_to_close_timeout, limits.start_to_close_timeout,
                task.heartbeat_timeout,
                [this](api::ActivityFailure f) { stop(timed_out(std::move(f))); }),
        shared_(std::make_shared<Shared>(loop)) {
    shared_->run = self_;
  }

  const std::shared_ptr<Shared>& shared() const { return shared_; }

  void cancel(const std::string& why) override { stop(cancelled(why)); }
  bool stuck() const override { return stuck_; }

  void on_progress() {
    std::optional<Json> value;
    {
      const std::lock_guard lock(shared_->mutex);
      value.swap(shared_->progress);
    }
    if (value) {
      timers_.heard();
      reporter_.progress(std::move(*value));
    }
  }

  void on_returned(ActivityOutcome outcome) {
    on_progress();
    const bool too_late = verdict_ && verdict_->state == api::ActivityState::kTimedOut;
    const bool useless = verdict_ && outcome.state != api::ActivityState::kSucceeded;
    finish(too_late || useless ? std::move(*verdict_) : std::move(outcome));
  }

 private:
  void stop(ActivityOutcome verdict) {
    if (reporter_.is_done() || verdict_) {
      return;
    }
    verdict_ = std::move(verdict);
    shared_->stop.request_stop();
    if (!shared_->claimed.exchange(true)) {
      finish(std::move(*verdict_));
      return;
    }
    grace_timer_ = loop_.call_after(limits_.stop_grace, [this] {
      stuck_ = true;
      log_.error("a function does not stop; its slot stays used until it returns");
    });
  }

  void finish(ActivityOutcome outcome) {
    timers_.stop();
    grace_timer_.cancel();
    stuck_ = false;
    reporter_.done(std::move(outcome));
  }

  EventLoop& loop_;
  Log log_;
  FunctionLimits limits_;
  RunReporter reporter_;
  RunTimers timers_;
  std::optional<ActivityOutcome> verdict_;
  bool stuck_ = false;
  Cancel grace_timer_;
  std::shared_ptr<FunctionRun*> self_ = std::make_shared<FunctionRun*>(this);
  std::shared_ptr<Shared> shared_;
};

class ThreadContext final : public ActivityContext {
 public:
  ThreadContext(const ActivityTask& task, std::shared_ptr<Shared> shared)
      : task_(task), shared_(std::move(shared)) {}

  const std::filesystem::path& directory() const override { return task_.directory; }
  const std::string& session_id() const override { return task_.session_id.str(); }
  const std::string& activity_id() const override { return task_.activity_id.str(); }
  std::stop_token stop_token() const override { return shared_->stop.get_token(); }

  void progress(Json value) override {
    bool loop_knows = false;
    {
      const std::lock_guard lock(shared_->mutex);
      loop_knows = shared_->progress.has_value();
      shared_->progress = std::move(value);
    }
    // One message at a time, however fast the function reports: the loop's queue stays short.
    if (!loop_knows) {
      shared_->loop.post([shared = shared_] {
        if (const auto run = shared->run.lock()) {
          (*run)->on_progress();
        }
      });
    }
  }

 private:
  const ActivityTask& task_;
  std::shared_ptr<Shared> shared_;
};

ActivityOutcome call(const ActivityFunction& function, const ActivityTask& task,
                     const std::shared_ptr<Shared>& shared) {
  ThreadContext context(task, shared);
  try {
    auto result = function(context, task.input);
    if (result) {
      if (const Status sendable = check_text(*result, "result"); !sendable) {
        return failed("InvalidOutput", sendable.error().text(), false);
      }
      return succeeded(std::move(*result));
    }
    return failed(std::string(result.error().reason_or_code()),
                  to_valid_utf8(result.error().message), result.error().retryable());
  } catch (const std::exception& e) {
    return failed("Internal", to_valid_utf8(e.what()));
  } catch (...) {
    return failed("Internal", "the function threw something that is no std::exception");
  }
}

}  // namespace

FunctionExecutor::FunctionExecutor(EventLoop& loop, ThreadPool& pool, ActivityFunction function,
                                   Log log, FunctionLimits limits)
    : loop_(loop),
      pool_(pool),
      function_(std::move(function)),
      log_(std::move(log)),
      limits_(limits) {}

Result<std::unique_ptr<ActivityRun>> FunctionExecutor::start(ActivityTask task,
                                                             ActivityEvents events) {
  auto run = std::make_unique<FunctionRun>(
      loop_, log_.with({{"session", task.session_id.str()}, {"activity", task.activity_id.str()}}),
      limits_, task, std::move(events));
  const bool taken =
      pool_.try_run([function = function_, task = std::move(task), shared = run->shared()] {
        if (shared->claimed.exchange(true)) {
          return;
        }
        ActivityOutcome outcome = call(function, task, shared);
        shared->loop.post([shared, outcome = std::move(outcome)]() mutable {
          if (const auto at = shared->run.lock()) {
            (*at)->on_returned(std::move(outcome));
          }
        });
      });
  if (!taken) {
    return fail(Error::make(ErrorCode::kResourceExhausted, "TooManyActivities",
                            "all threads for activities are busy and their queue is full"));
  }
  return run;
}

}  // namespace berth::worker
