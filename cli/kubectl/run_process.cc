#include "cli/kubectl/run_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "berth/base/file.h"

namespace berth::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMostOutput = 16U << 20;

// Reads both until they end; false when `limit` passed, or too much came.
bool read_both(const Pipe& out, const Pipe& err, RanProcess& ran, Duration limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::array<pollfd, 2> fds{pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0}};
  const std::array<std::string*, 2> texts{&ran.out, &ran.err};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || ran.out.size() + ran.err.size() > kMostOutput) {
      return false;
    }
    if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return false;
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) {
        continue;
      }
      std::array<char, 16384> buffer;
      const ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (n > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(n));
      } else if (n == 0 || errno != EINTR) {
        fds[i].fd = -1;
      }
    }
  }
  return true;
}

}  // namespace

Result<RanProcess> run_process(const fs::path& program, const std::vector<std::string>& args,
                               Duration limit) {
  BERTH_ASSIGN(Pipe out, Pipe::make());
  BERTH_ASSIGN(Pipe err, Pipe::make());
  std::vector<std::string> argv{program.string()};
  argv.insert(argv.end(), args.begin(), args.end());
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (std::string& arg : argv) {
    pointers.push_back(arg.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int failed =
      ::posix_spawn(&pid, program.c_str(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return fail(Error::from_errno(failed, "starting " + program.string()));
  }
  out.write.reset();
  err.write.reset();
  RanProcess ran;
  const bool whole = read_both(out, err, ran, limit);
  if (!whole) {
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) {
    return fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                            program.filename().string() + " took too long or printed too much" +
                                (ran.err.empty() ? "" : ": " + ran.err.substr(0, 1000))));
  }
  ran.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ran;
}

Result<fs::path> find_program(const std::string& name) {
  const char* value = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  const std::string path = value == nullptr ? "" : value;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const fs::path file = fs::path(path.substr(at, end - at)) / name;
    at = end + 1;
    std::error_code ignored;
    if (file.is_absolute() && fs::is_regular_file(file, ignored) &&
        ::access(file.c_str(), X_OK) == 0) {
      return file;
    }
  }
  return fail(
      Error::make(ErrorCode::kNotFound, "ProgramNotFound", name + " was not found in $PATH"));
}

}  // namespace berth::cli
