#include "devcluster/node/container.h"

#include <algorithm>

#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

namespace {
constexpr Duration kRetry = std::chrono::seconds(10);
}

Container::Container(AsioLoop& loop, LogFile& log, Setup setup)
    : loop_(loop), log_(log), setup_(std::move(setup)) {}

void Container::start() {
  launch();
}

void Container::poke() {
  if (blocked_ && !stopping_) {
    launch();
  }
}

void Container::launch() {
  restart_timer_.cancel();
  blocked_ = false;
  auto spec = setup_.prepare();
  if (!spec) {
    wait_for(spec.error());
    return;
  }
  auto process =
      ChildProcess::start(loop_, *spec,
                          {.output = [this](std::string_view bytes) { log_.write(bytes); },
                           .exited = [this](ExitStatus exit) { exited(exit); }});
  if (!process) {
    Error error = process.error();
    error.reason = "CreateContainerError";
    log_.write("berth dev: " + error.message + "\n");
    wait_for(error);
    return;
  }
  process_ = std::move(*process);
  restarts_ += ever_started_ ? 1 : 0;
  ever_started_ = true;
  state_ = State::kRunning;
  started_at_ = loop_.clock().now();
  started_wall_ = loop_.clock().wall_now();
  container_id_ = "process://" + std::to_string(process_->pid());
  if (setup_.probe) {
    readiness_ = std::make_unique<Readiness>(loop_, setup_.probe_settings, *setup_.probe,
                                             [this](bool) { setup_.on_change(); });
  }
  setup_.on_change();
}

void Container::wait_for(const Error& error) {
  state_ = State::kWaiting;
  blocked_ = true;
  waiting_reason_ = error.reason_or_code();
  waiting_message_ = error.message;
  restart_timer_ = loop_.call_after(kRetry, [this] { launch(); });
  setup_.on_change();
}

void Container::exited(ExitStatus exit) {
  // We are inside a callback of the process.
  loop_.post([done = std::shared_ptr<ChildProcess>(std::move(process_))] {});
  readiness_.reset();
  kill_timer_.cancel();
  finished_wall_ = loop_.clock().wall_now();
  last_exit_ = exit;
  state_ = State::kTerminated;
  restart_or_finish(exit.exit_code != 0);
}

bool Container::restarts(bool failed) const {
  return !stopping_ && (setup_.policy == RestartPolicy::kAlways ||
                        (setup_.policy == RestartPolicy::kOnFailure && failed));
}

Duration Container::next_delay() {
  if (loop_.clock().now() - started_at_ >= setup_.backoff.reset_after) {
    backoff_steps_ = 0;
  }
  const int step = backoff_steps_++;
  if (step == 0) {
    return Duration(0);
  }
  Duration delay = setup_.backoff.initial;
  for (int i = 1; i < step && delay < setup_.backoff.max; ++i) {
    delay *= 2;
  }
  return std::min(delay, setup_.backoff.max);
}

void Container::restart_or_finish(bool failed) {
  if (restarts(failed)) {
    last_state_ = {{"terminated", terminated(*last_exit_)}};
    const Duration delay = next_delay();
    state_ = State::kWaiting;
    waiting_reason_ = delay > Duration(0) ? "CrashLoopBackOff" : "ContainerCreating";
    waiting_message_ =
        delay > Duration(0)
            ? "back-off " +
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(delay).count()) +
                  "s restarting failed container=" + setup_.name
            : "";
    restart_timer_ = loop_.call_after(delay, [this] { launch(); });
  }
  setup_.on_change();
}

void Container::stop(Duration grace) {
  stopping_ = true;
  restart_timer_.cancel();
  if (!process_) {
    if (state_ != State::kTerminated) {
      state_ = State::kTerminated;
      blocked_ = false;
      setup_.on_change();
    }
    return;
  }
  const TimePoint now = loop_.clock().now();
  const bool first = kill_at_ == TimePoint::max();
  const TimePoint kill_at = now + std::min<Duration>(grace, std::chrono::hours(24 * 3650));
  if (kill_at >= kill_at_) {
    return;
  }
  kill_at_ = kill_at;
  if (grace <= Duration(0)) {
    process_->kill();
    return;
  }
  if (first) {
    process_->terminate();
  }
  kill_timer_ = loop_.call_at(kill_at, [this] {
    if (process_) {
      process_->kill();
    }
  });
}

void Container::stop_sooner() {
  if (process_ && stopping_) {
    process_->terminate();
  }
}

bool Container::ready() const {
  return state_ == State::kRunning && (!setup_.probe || (readiness_ && readiness_->ready()));
}

Json Container::terminated(const ExitStatus& exit) const {
  Json t = {{"exitCode", exit.exit_code},
            {"reason", exit.exit_code == 0 ? "Completed" : "Error"},
            {"startedAt", api_time(started_wall_)},
            {"finishedAt", api_time(finished_wall_)},
            {"containerID", container_id_}};
  if (exit.signal != 0) {
    t["signal"] = exit.signal;
  }
  return t;
}

Json Container::status() const {
  Json state;
  if (state_ == State::kRunning) {
    state = {{"running", {{"startedAt", api_time(started_wall_)}}}};
  } else if (state_ == State::kTerminated && last_exit_) {
    state = {{"terminated", terminated(*last_exit_)}};
  } else if (state_ == State::kTerminated) {
    // Told to stop before anything was started.
    state = {{"waiting", {{"reason", "ContainerCreating"}}}};
  } else {
    state = {{"waiting", {{"reason", waiting_reason_}}}};
    if (!waiting_message_.empty()) {
      state["waiting"]["message"] = waiting_message_;
    }
  }
  Json status = {{"name", setup_.name},
                 {"image", setup_.image},
                 {"imageID", ""},
                 {"ready", ready()},
                 {"started", state_ == State::kRunning},
                 {"restartCount", restarts_},
                 {"state", std::move(state)},
                 {"lastState", last_state_}};
  if (!container_id_.empty()) {
    status["containerID"] = container_id_;
  }
  return status;
}

}  // namespace berth::devcluster
