#include "devcluster/node/reaper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

/// Only async-signal-safe calls in this file: no allocation, no stdio, no locks.
namespace berth::devcluster {

namespace {

void report(int fd, ReaperMessage message) {
  // Smaller than PIPE_BUF: whole or not at all. A dead owner does not read it, and we are about to
  // end anyway.
  [[maybe_unused]] const auto n = ::write(fd, &message, sizeof message);
}

void silence_standard_files() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; ++fd) {
    ::dup2(null, fd);
  }
  if (null > 2) {
    ::close(null);
  }
}

void keep_only(int first, int second) {
  const int low = first < second ? first : second;
  const int high = first < second ? second : first;
  if (low > 3) {
    ::close_range(3, static_cast<unsigned>(low - 1), 0);
  }
  if (high > low + 1) {
    ::close_range(static_cast<unsigned>(low + 1), static_cast<unsigned>(high - 1), 0);
  }
  ::close_range(static_cast<unsigned>(high + 1), ~0U, 0);
}

[[noreturn]] void run_program(const ReaperPlan& plan, pid_t reaper, int failure_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != reaper) {
    ::_exit(1);
  }
  ::setpgid(0, 0);
  ::dup2(plan.output_fd, 1);
  ::dup2(plan.output_fd, 2);
  for (int s = 1; s < NSIG; ++s) {
    ::signal(s, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ReaperMessage failure{ReaperMessage::kFailed, 0, kStepDirectory};
  if (::chdir(plan.directory) == 0) {
    ::execve(plan.program, plan.argv, plan.env);
    failure.step = kStepExec;
  }
  failure.value = errno;
  report(failure_fd, failure);
  ::_exit(127);
}

/// The program's pid once exec has succeeded; else reports why not and ends the reaper.
pid_t start_program(const ReaperPlan& plan) {
  int failure[2] = {-1, -1};
  const pid_t reaper = ::getpid();
  const pid_t pid = ::pipe2(failure, O_CLOEXEC) == 0 ? ::fork() : -1;
  if (pid == 0) {
    run_program(plan, reaper, failure[1]);
  }
  ReaperMessage message{ReaperMessage::kFailed, errno, kStepFork};
  if (pid > 0) {
    ::close(failure[1]);
    // exec closes the other end: nothing to read means that it worked.
    ssize_t n = 0;
    do {
      n = ::read(failure[0], &message, sizeof message);
    } while (n < 0 && errno == EINTR);
    ::close(failure[0]);
    if (n != static_cast<ssize_t>(sizeof message)) {
      return pid;
    }
    ::waitpid(pid, nullptr, 0);
  }
  report(plan.report_fd, message);
  ::_exit(1);
}

int parse_pid(const char* text, std::size_t size, std::size_t& at) {
  int pid = 0;
  while (at < size && text[at] >= '0' && text[at] <= '9') {
    pid = pid * 10 + (text[at++] - '0');
  }
  ++at;
  return pid;
}

/// Kills our children until there are none: orphans of those come to us, so in the end that is all
/// descendants.
void end_everything(int& main_status, pid_t main_pid) {
  for (;;) {
    const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    char text[4096];
    const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof text);
    ::close(fd);
    std::size_t at = 0;
    while (size > 0 && at < static_cast<std::size_t>(size)) {
      const int pid = parse_pid(text, static_cast<std::size_t>(size), at);
      // A number cut off by the buffer's end is left for the next round.
      if (pid > 1 && at <= static_cast<std::size_t>(size)) {
        ::kill(pid, SIGKILL);
      }
    }
    int status = 0;
    const pid_t gone = ::waitpid(-1, &status, 0);
    if (gone == main_pid) {
      main_status = status;
    }
    if (gone < 0 && errno == ECHILD) {
      return;
    }
  }
}

/// Takes in who has ended; true when the program itself has.
bool reap(pid_t main_pid, int& main_status) {
  int status = 0;
  for (pid_t gone = 0; (gone = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (gone == main_pid) {
      main_status = status;
      return true;
    }
  }
  return false;
}

}  // namespace

void run_reaper(const ReaperPlan& plan) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  // Ignored would be inherited by wait(): children reaped by the kernel before we see them.
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
  ::prctl(PR_SET_NAME, "berth-reaper");
  // Out of the owner's process group: Ctrl-C on its terminal is the owner's to handle.
  ::setpgid(0, 0);
  keep_only(plan.report_fd, plan.output_fd);
  silence_standard_files();
  if (::getppid() != plan.owner) {
    ::_exit(0);
  }
  const pid_t main_pid = start_program(plan);
  report(plan.report_fd, {ReaperMessage::kStarted, main_pid, 0});
  int status = 0;
  for (bool running = !reap(main_pid, status); running;) {
    const int signal = ::sigwaitinfo(&all, nullptr);
    if (signal == SIGTERM) {
      ::kill(main_pid, SIGTERM);
    } else if (signal == SIGUSR1) {
      break;
    } else if (signal == SIGCHLD) {
      running = !reap(main_pid, status);
    }
  }
  end_everything(status, main_pid);
  report(plan.report_fd, {ReaperMessage::kExited, status, 0});
  ::_exit(0);
}

}  // namespace berth::devcluster
