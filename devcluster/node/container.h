#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "devcluster/node/child_process.h"
#include "devcluster/node/log_file.h"
#include "devcluster/node/probe_attempt.h"
#include "devcluster/node/readiness.h"

namespace berth::devcluster {

/// When a container that ended comes back. Kubernetes' numbers: the first time at once, then 10 s
/// doubling to 300 s, and from the start again after ten minutes of running.
struct RestartBackoff {
  Duration initial = std::chrono::seconds(10);
  Duration max = std::chrono::seconds(300);
  Duration reset_after = std::chrono::minutes(10);
};

enum class RestartPolicy { kAlways, kOnFailure, kNever };

/// One container of a pod: starts its process, watches its readiness, restarts it as the policy
/// says, and tells its status as a kubelet would. Loop thread only.
class Container {
 public:
  struct Setup {
    std::string name;
    std::string image;
    RestartPolicy policy = RestartPolicy::kAlways;
    RestartBackoff backoff;
    /// Makes what to run, anew at each start (volumes and images may have come meanwhile). An
    /// error's reason is shown as the waiting reason ("ErrImagePull",
    /// "CreateContainerConfigError"), and it is asked again a little later.
    std::function<Result<ProcessSpec>()> prepare;
    /// Nothing when the container has no readiness probe.
    std::optional<ProbeAttempt> probe;
    ProbeSettings probe_settings;
    std::function<void()> on_change;  ///< status() or finished() is new. May run inside any member.
  };
  /// `log` must outlive it.
  Container(AsioLoop& loop, LogFile& log, Setup setup);
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  void start();
  /// Tries again now, if it waits for something that prepare() lacked.
  void poke();
  /// SIGTERM now, SIGKILL after `grace`; no restart. Called again: only a shorter grace counts.
  void stop(Duration grace);
  /// SIGTERM once more, for a program that takes it as "now".
  void stop_sooner();

  /// Nothing runs and nothing will be started.
  bool finished() const { return state_ == State::kTerminated && !restart_timer_; }
  bool running() const { return state_ == State::kRunning; }
  bool ready() const;
  bool failed() const { return last_exit_ && last_exit_->exit_code != 0; }
  bool ever_started() const { return ever_started_; }
  /// An element of status.containerStatuses.
  Json status() const;

 private:
  enum class State { kWaiting, kRunning, kTerminated };
  void launch();
  void wait_for(const Error& error);
  void exited(ExitStatus exit);
  void restart_or_finish(bool failed);
  bool restarts(bool failed) const;
  Duration next_delay();
  Json terminated(const ExitStatus& exit) const;

  AsioLoop& loop_;
  LogFile& log_;
  const Setup setup_;
  State state_ = State::kWaiting;
  std::string waiting_reason_ = "ContainerCreating";
  std::string waiting_message_;
  bool blocked_ = false;  // waits for what prepare() lacked
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<Readiness> readiness_;
  std::optional<ExitStatus> last_exit_;
  Json last_state_ = Json::object();
  bool ever_started_ = false;
  int restarts_ = 0;
  int backoff_steps_ = 0;
  WallTime started_wall_;
  WallTime finished_wall_;
  TimePoint started_at_;
  std::string container_id_;
  bool stopping_ = false;
  TimePoint kill_at_ = TimePoint::max();
  Cancel restart_timer_;
  Cancel kill_timer_;
};

}  // namespace berth::devcluster
