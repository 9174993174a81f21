#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "berth/base/error.h"

namespace berth::worker {

/// One line of the kernel's process table.
struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  bool dead = false;             ///< A zombie: nothing of it runs, somebody has to reap it.
  std::uint64_t start_time = 0;  ///< In clock ticks since boot. Together with pid it is unique.
};

/// All processes that /proc shows, by pid. About 5 microseconds each. Not a snapshot: a process may
/// come or go while the list is read.
Result<std::vector<ProcessInfo>> list_processes();
/// One of them; nothing if it is gone.
std::optional<ProcessInfo> find_process(pid_t pid);

/// Sends `signal` to exactly that process: never to another one which got its number in the
/// meantime. False if it is gone.
bool signal_process(const ProcessInfo& process, int signal);

}  // namespace berth::worker
