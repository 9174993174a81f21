#include "tests/integration/system/test_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

namespace berth::system_test {
namespace fs = std::filesystem;
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& t : texts) {
    out.push_back(t.data());
  }
  out.push_back(nullptr);
  return out;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a process was started with, and where it is: a dev cluster shows its pods a directory with
// a space in its path under another one. Empty for one that has ended.
std::string command_and_environment(const fs::path& proc) {
  std::error_code failure;
  return slurp(proc / "cmdline") + '\0' + slurp(proc / "environ") + '\0' +
         fs::read_symlink(proc / "cwd", failure).string();
}

std::optional<pid_t> pid_of(const fs::path& proc) {
  const std::string name = proc.filename();
  pid_t pid = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return failure == std::errc() && end == name.data() + name.size() ? std::optional(pid)
                                                                    : std::nullopt;
}

std::vector<fs::path> all_processes() {
  std::vector<fs::path> out;
  std::error_code failure;
  for (auto it = fs::directory_iterator("/proc", failure);
       !failure && it != fs::directory_iterator(); it.increment(failure)) {
    if (pid_of(it->path())) {
      out.push_back(it->path());
    }
  }
  return out;
}

}  // namespace

TestProcess::TestProcess(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                         fs::path output)
    : output_(std::move(output)) {
  std::vector<std::string> arguments = argv;
  // The first of two equal names wins in getenv.
  std::vector<std::string> environment = env;
  for (char** e = environ; *e != nullptr; ++e) {
    environment.emplace_back(*e);
  }
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const UniqueFd out(::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(1);
    }
    ::dup2(out.get(), 1);
    ::dup2(out.get(), 2);
    ::execve(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
    ::_exit(127);
  }
  pidfd_.reset(pid_ < 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) {
    throw std::runtime_error("cannot start " + argv.front());
  }
}

TestProcess::~TestProcess() {
  kill();
}

void TestProcess::signal(int signal) const {
  if (!ended_) {
    ::kill(pid_, signal);
  }
}

void TestProcess::kill() {
  signal(SIGKILL);
  wait(std::chrono::seconds(10));
}

bool TestProcess::wait(Duration limit) {
  if (ended_) {
    return true;
  }
  pollfd p{pidfd_.get(), POLLIN, 0};
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  int ready = 0;
  do {
    ready = ::poll(&p, 1, static_cast<int>(timeout));
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  if (ready <= 0 || ::waitpid(pid_, &status, 0) != pid_) {
    return false;
  }
  ended_ = true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

std::string TestProcess::output() const {
  return slurp(output_);
}

std::vector<std::string> processes_with(const std::string& text) {
  std::vector<std::string> out;
  for (const fs::path& proc : all_processes()) {
    if (pid_of(proc) != ::getpid() &&
        command_and_environment(proc).find(text) != std::string::npos) {
      std::string command = slurp(proc / "cmdline");
      std::replace(command.begin(), command.end(), '\0', ' ');
      out.push_back(proc.filename().string() + " " + command);
    }
  }
  return out;
}

pid_t find_process(const std::string& program, const std::vector<std::string>& texts) {
  for (const fs::path& proc : all_processes()) {
    std::error_code failure;
    if (fs::read_symlink(proc / "exe", failure).filename() != program) {
      continue;
    }
    const std::string all = command_and_environment(proc);
    if (std::all_of(texts.begin(), texts.end(),
                    [&](const std::string& t) { return all.find(t) != std::string::npos; })) {
      return pid_of(proc).value_or(-1);
    }
  }
  return -1;
}

}  // namespace berth::system_test
