#pragma once

#include <sys/types.h>

#include <cstdint>

namespace berth::bench {

/// Processor time of all threads of a process so far, in seconds; from the scheduler's own
/// nanosecond count, so that a fraction of a percent shows. 0 when there is no such process.
double cpu_seconds(pid_t pid);
/// Resident memory in bytes; 0 when there is no such process.
std::uint64_t resident_bytes(pid_t pid);

/// The cores that servers and the load run on. On a machine of one core they are the same.
int server_core();
int load_core();
/// Restricts the calling thread, and what it starts from now on, to one core.
void pin_this_thread(int core);

}  // namespace berth::bench
