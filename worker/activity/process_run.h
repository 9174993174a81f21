#pragma once

#include <functional>
#include <memory>

#include "worker/activity/executor.h"
#include "worker/activity/process/child.h"

namespace berth::worker {

/// What command and exec have in common: a child process with limits and timeouts becomes an
/// ActivityRun.
struct ProcessActivity {
  ActivityTask task;
  ChildSpec child;
  Duration start_to_close_bound;
  /// Makes the outcome of a process that ended by itself.
  std::function<ActivityOutcome(ChildExit)> judge;
};

/// A command that is not there is a run that fails at once with "CommandNotFound"; an error means
/// that this worker could not start a process now (kResourceExhausted, kUnavailable, kInternal).
///
/// What made the run end decides its outcome, the first one wins: its own exit, cancel(), a
/// timeout, or a limit passed. A process that was told to stop is Cancelled or TimedOut whatever
/// its exit status.
Result<std::unique_ptr<ActivityRun>> start_process_run(ProcessSupervisor& supervisor,
                                                       ProcessActivity activity,
                                                       ActivityEvents events);

/// 0..255, or 128+signal.
std::int64_t exit_status_of(const ChildExit& exit);

}  // namespace berth::worker
