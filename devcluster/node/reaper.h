#pragma once

#include <sys/types.h>

namespace berth::devcluster {

/// What the reaper tells its owner through its pipe: kFailed alone, or kStarted and later kExited.
struct ReaperMessage {
  enum Kind : int { kStarted, kFailed, kExited };
  int kind = kStarted;
  int value = 0;  ///< pid, errno, or the status of waitpid.
  int step = 0;   ///< For kFailed: which step, see ReaperStep.
};
enum ReaperStep : int { kStepFork, kStepDirectory, kStepExec };

/// Prepared before the fork, since the child of a threaded process may only make system calls.
struct ReaperPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* directory = nullptr;
  int report_fd = -1;
  int output_fd = -1;
  pid_t owner = 0;
};

/// Life of the reaper, in the forked child. SIGTERM goes on to the process; SIGUSR1, or the owner's
/// death, ends everything.
[[noreturn]] void run_reaper(const ReaperPlan& plan);

}  // namespace berth::devcluster
