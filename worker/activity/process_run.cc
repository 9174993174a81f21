#include "worker/activity/process_run.h"

#include <utility>

#include "worker/activity/outcome.h"
#include "worker/activity/output_stream.h"
#include "worker/activity/run_reporter.h"
#include "worker/activity/run_timers.h"

namespace berth::worker {
namespace {

class ProcessRun final : public ActivityRun {
 public:
  ProcessRun(ProcessSupervisor& supervisor, ActivityEvents events)
      : supervisor_(supervisor), reporter_(supervisor.loop(), std::move(events), [this] {
          return child_ ? child_->stderr_tail() : std::string();
        }) {}

  Status start(ProcessActivity activity) {
    judge_ = std::move(activity.judge);
    ChildEvents events;
    events.progress_line = [this](std::string_view line) { on_progress(line); };
    events.stderr_grew = [this] { reporter_.stderr_grew(); };
    events.limit_passed = [this](std::string type, std::string message) {
      decide(failed(std::move(type), std::move(message), false));
    };
    if (activity.child.stream) {
      stream_ = std::make_shared<OutputStream>();
      stream_->on_room([this] { child_->release_output(); });
      events.output = [this](bool is_stderr, std::string_view bytes) { print(is_stderr, bytes); };
    }
    events.gone = [this](ChildExit exit) { on_gone(std::move(exit)); };
    BERTH_ASSIGN(child_, Child::start(supervisor_, std::move(activity.child), std::move(events)));
    reporter_.process_group(child_->process_group());
    timers_.emplace(supervisor_.loop(), activity.task.start_to_close_timeout,
                    activity.start_to_close_bound, activity.task.heartbeat_timeout,
                    [this](api::ActivityFailure f) { stop(timed_out(std::move(f))); });
    return {};
  }

  ~ProcessRun() override {
    if (stream_) {
      stream_->on_room(nullptr);
    }
  }

  std::shared_ptr<OutputStream> output() const override { return stream_; }
  void cancel(const std::string& why) override { stop(cancelled(why)); }
  bool stuck() const override { return child_->stuck(); }

 private:
  // The first reason stands, and none counts any more once the process has ended by itself.
  void decide(ActivityOutcome outcome) {
    if (!verdict_) {
      verdict_ = std::move(outcome);
    }
  }

  void stop(ActivityOutcome outcome) {
    if (!child_->exited()) {
      decide(std::move(outcome));
      child_->stop();
    }
  }

  void on_progress(std::string_view line) {
    auto value = parse_json(line);
    if (!value) {
      supervisor_.log().debug(
          "an activity's progress is not JSON",
          {{"processGroup", child_->process_group()}, {"error", value.error()}});
      return;
    }
    timers_->heard();
    reporter_.progress(std::move(*value));
  }

  void print(bool is_stderr, std::string_view bytes) {
    stream_->append(is_stderr, bytes);
    reporter_.output_grew();
    if (stream_->full()) {
      child_->hold_output();
    }
  }

  void on_gone(ChildExit exit) {
    timers_->stop();
    if (stream_) {
      stream_->finish();
    }
    const std::int64_t status = exit_status_of(exit);
    ActivityOutcome outcome = verdict_ ? std::move(*verdict_) : judge_(std::move(exit));
    outcome.exit_status = status;
    reporter_.done(std::move(outcome));
  }

  ProcessSupervisor& supervisor_;
  RunReporter reporter_;
  std::function<ActivityOutcome(ChildExit)> judge_;
  std::optional<ActivityOutcome> verdict_;
  std::unique_ptr<Child> child_;
  std::optional<RunTimers> timers_;
  std::shared_ptr<OutputStream> stream_;
};

}  // namespace

Result<std::unique_ptr<ActivityRun>> start_process_run(ProcessSupervisor& supervisor,
                                                       ProcessActivity activity,
                                                       ActivityEvents events) {
  auto run = std::make_unique<ProcessRun>(supervisor, events);
  const Status started = run->start(std::move(activity));
  if (!started && started.error().reason == "CommandNotFound") {
    return ended_run(supervisor.loop(), std::move(events),
                     failed("CommandNotFound", started.error().message, false));
  }
  BERTH_TRY(started);
  return run;
}

std::int64_t exit_status_of(const ChildExit& exit) {
  return exit.exit_code ? *exit.exit_code : 128 + exit.signal;
}

}  // namespace berth::worker
