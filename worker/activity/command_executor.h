#pragma once

#include <string>

#include "berth/api/worker_config.h"
#include "worker/activity/executor.h"
#include "worker/activity/process/child.h"

namespace berth::worker {

/// Runs a command that the pool's author named. Its contract:
///
///  - stdin holds the input as one line of JSON; the working directory is the session's.
///  - exit 0: stdout is the result, as JSON. Nothing printed is the result null.
///  - any other exit: the activity failed. If stdout is {"error": {"type", "message", "retryable"}}
///  that is the failure;
///    else it is "ExitStatus" with the end of stderr as message.
///  - ended by a signal: "Killed".
///  - progress: one JSON value a line, at most 16 KiB each, written to the descriptor in
///  BERTH_PROGRESS_FD.
///  - stderr is for people: the last 8 KiB are kept.
///
/// Timeouts, output, processes, memory, CPU time and file sizes are bounded by the ActivitySpec.
class CommandExecutor final : public Executor {
 public:
  /// `path`: the PATH that commands are found through and get. The supervisor outlives the
  /// executor.
  CommandExecutor(ProcessSupervisor& supervisor, api::ActivitySpec spec, std::string path);

  Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) override;

 private:
  ProcessSupervisor& supervisor_;
  api::ActivitySpec spec_;
  std::string path_;
};

/// The limits of `spec` as a ChildSpec, without what depends on the task.
ChildSpec child_spec_of(const api::ActivitySpec& spec);
/// The outcome of a command that ended by itself.
ActivityOutcome judge_command(const ChildExit& exit, const api::ActivitySpec& spec);

}  // namespace berth::worker
