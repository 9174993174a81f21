#include "cli/session/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "berth/base/file.h"

namespace berth::cli {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void wait_for_end(int pidfd) {
  pollfd p{pidfd, POLLIN, 0};
  while (::poll(&p, 1, -1) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void stay_behind(int pidfd, int answer,
                              const std::function<Result<std::string>()>& open,
                              const std::function<void()>& close) {
  ::setsid();
  // The terminal and the pipes of a script must not be held open by us.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(null, fd);
  }
  const Result<std::string> opened = open();
  write_all(answer, opened ? "+" + *opened : "-" + opened.error().text());
  ::close(answer);
  if (!opened) {
    ::_exit(1);
  }
  wait_for_end(pidfd);
  close();
  ::_exit(0);
}

}  // namespace

Result<std::string> keep_while_running(int pid, const std::function<Result<std::string>()>& open,
                                       const std::function<void()>& close) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    return fail(Error::invalid("--keep", "there is no process " + std::to_string(pid)));
  }
  BERTH_ASSIGN(Pipe pipe, Pipe::make());
  const pid_t child = ::fork();
  if (child < 0) {
    return fail(Error::from_errno(errno, "starting the keeper"));
  }
  if (child == 0) {
    pipe.read.reset();
    stay_behind(pidfd.get(), pipe.write.release(), open, close);
  }
  pipe.write.reset();
  std::string answer;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(pipe.read.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  if (answer.empty() || answer[0] != '+') {
    int status = 0;
    ::waitpid(child, &status, 0);
    return fail(
        Error::make(ErrorCode::kUnavailable, "NotOpened",
                    answer.empty() ? "the keeper ended without an answer" : answer.substr(1)));
  }
  return answer.substr(1);
}

}  // namespace berth::cli
