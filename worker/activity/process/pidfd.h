#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace berth::worker {

// The header <sys/pidfd.h> of glibc 2.36 cannot be used from C++ (no extern "C").

/// A descriptor that stands for process `pid`, close-on-exec; readable when it has exited. -1 and
/// errno if there is none.
inline int pidfd_open(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
/// 0, or -1 and errno.
inline int pidfd_send_signal(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace berth::worker
