#include "worker/activity/process/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "worker/activity/process/pidfd.h"

namespace berth::worker {
namespace {

constexpr int kPipes = 4;
constexpr int kFirstFreeFd = 16;
constexpr rlim_t kSoftFiles =
    1024;  // What select() can take; programs that need more raise it themselves.
constexpr rlim_t kHardFiles = 65536;

enum class Step : int { kSetUp, kDirectory, kLimits, kExec };

struct SpawnFailure {
  Step step;
  int error;
};

/// All that the child needs, made ready beforehand: between vfork and exec it may only make system
/// calls.
struct ChildPlan {
  std::vector<const char*> candidates;  // Paths to try, in order.
  std::vector<char*> argv;
  std::vector<char*> env;
  const char* directory = nullptr;
  std::array<int, kPipes> fds{-1, -1, -1, -1};
  int failure_fd = -1;
  rlimit memory{}, cpu{}, file{}, files{}, mark{};
  ProcessLimits limits;
};

[[noreturn]] void give_up(const ChildPlan& plan, Step step, int error) {
  const SpawnFailure failure{step, error};
  [[maybe_unused]] const ssize_t n = ::write(plan.failure_fd, &failure, sizeof failure);
  ::_exit(127);
}

void close_on_exec_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    return;
  }
  // A kernel before 5.11. Everything of ours is close-on-exec already; this is for what a library
  // opened.
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const int end = static_cast<int>(std::min<rlim_t>(files.rlim_cur, kHardFiles));
  for (int fd = first; fd < end; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

bool place_descriptors(ChildPlan& plan) {
  // First out of the way: one of ours may have the number that another must get.
  plan.failure_fd = ::fcntl(plan.failure_fd, F_DUPFD_CLOEXEC, kFirstFreeFd);
  for (int& fd : plan.fds) {
    if (fd >= 0 && (fd = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFreeFd)) < 0) {
      return false;
    }
  }
  for (int i = 0; i < kPipes; ++i) {
    const int fd = plan.fds[static_cast<std::size_t>(i)];
    if (fd >= 0 && ::dup2(fd, i) < 0) {
      return false;
    }
  }
  close_on_exec_from(plan.fds[3] >= 0 ? 4 : 3);
  return true;
}

bool apply_limits(const ChildPlan& plan) {
  // Refused inside a lower limit; then the environment is the only mark.
  ::setrlimit(RLIMIT_RTTIME, &plan.mark);
  constexpr rlimit kNone{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNone);
  return ::setrlimit(RLIMIT_NOFILE, &plan.files) == 0 &&
         (plan.limits.cpu_seconds == 0 || ::setrlimit(RLIMIT_CPU, &plan.cpu) == 0) &&
         (plan.limits.file_bytes == 0 || ::setrlimit(RLIMIT_FSIZE, &plan.file) == 0) &&
         (plan.limits.memory_bytes == 0 || ::setrlimit(RLIMIT_AS, &plan.memory) == 0);
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) {
    ::sigaction(s, &standard, nullptr);
  }
  // Last: a signal that was held back must find its default action, not a handler of the worker.
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(ChildPlan& plan) {
  if (::setsid() < 0 || !place_descriptors(plan)) {
    give_up(plan, Step::kSetUp, errno);
  }
  reset_signals();
  if (::chdir(plan.directory) != 0) {
    give_up(plan, Step::kDirectory, errno);
  }
  if (!apply_limits(plan)) {
    give_up(plan, Step::kLimits, errno);
  }
  int error = ENOENT;
  for (const char* path : plan.candidates) {
    ::execve(path, plan.argv.data(), plan.env.data());
    if (errno == EACCES) {
      error = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      error = errno;
      break;
    }
  }
  give_up(plan, Step::kExec, error);
}

// Not inlined into its caller: the child borrows this frame, and nothing in it changes after vfork.
[[gnu::noinline]] pid_t fork_and_run(ChildPlan& plan) {
  const pid_t pid = ::vfork();  // NOLINT: see spawn.h; the child makes system calls only.
  if (pid == 0) {
    run_child(plan);
  }
  return pid;
}

struct Ends {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Ends> make_ends(bool child_writes) {
  BERTH_ASSIGN(Pipe pipe, Pipe::make());
  Ends ends = child_writes ? Ends{std::move(pipe.read), std::move(pipe.write)}
                           : Ends{std::move(pipe.write), std::move(pipe.read)};
  ::fcntl(ends.ours.get(), F_SETFL, O_NONBLOCK);
  return ends;
}

std::string_view path_of(const std::vector<std::string>& env) {
  constexpr std::string_view kName = "PATH=";
  for (const std::string& entry : env) {
    if (std::string_view(entry).starts_with(kName)) {
      return std::string_view(entry).substr(kName.size());
    }
  }
  return "/usr/bin:/bin";
}

std::vector<std::string> candidate_paths(const SpawnSpec& spec) {
  const std::string& name = spec.argv.front();
  if (name.empty() || name.find('/') != std::string::npos) {
    return {name};
  }
  std::vector<std::string> out;
  std::string_view rest = path_of(spec.env);
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    out.push_back((folder.empty() ? "." : std::string(folder)) + "/" + name);
  }
  return out;
}

Error explain(const SpawnFailure& failure, const SpawnSpec& spec) {
  const std::string& name = spec.argv.front();
  switch (failure.step) {
    case Step::kDirectory:
      return Error::from_errno(failure.error, "entering " + spec.directory.string());
    case Step::kLimits:
      return Error::from_errno(failure.error, "setting the limits of the activity");
    case Step::kSetUp:
      return Error::from_errno(failure.error, "preparing a process");
    case Step::kExec:
      break;
  }
  if (failure.error == ENOENT) {
    return Error::make(ErrorCode::kNotFound, "CommandNotFound",
                       "command not found: " + name +
                           (name.find('/') == std::string::npos
                                ? " (PATH is " + std::string(path_of(spec.env)) + ")"
                                : ""));
  }
  if (failure.error == EACCES || failure.error == ENOEXEC) {
    return Error::make(ErrorCode::kPermissionDenied, "CommandNotFound",
                       "the command cannot be executed: " + name);
  }
  return Error::from_errno(failure.error, "starting " + name);
}

rlimit both(std::int64_t value) {
  return {static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
}

void plan_limits(const SpawnSpec& spec, ChildPlan& plan) {
  plan.limits = spec.limits;
  plan.memory = both(spec.limits.memory_bytes);
  plan.file = both(spec.limits.file_bytes);
  plan.cpu = both(spec.limits.cpu_seconds);
  plan.cpu.rlim_max += 1;
  plan.mark = {spec.limit_mark, spec.limit_mark};
  ::getrlimit(RLIMIT_NOFILE, &plan.files);
  plan.files.rlim_max = std::min(plan.files.rlim_max, kHardFiles);
  plan.files.rlim_cur = std::min(plan.files.rlim_max, kSoftFiles);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) {
    out.push_back(const_cast<char*>(s.c_str()));  // execve's signature; it does not write.
  }
  out.push_back(nullptr);
  return out;
}

Result<pid_t> start(ChildPlan& plan, const SpawnSpec& spec) {
  BERTH_ASSIGN(Ends failure_pipe, make_ends(true));
  ::fcntl(failure_pipe.ours.get(), F_SETFL, 0);
  plan.failure_fd = failure_pipe.theirs.get();
  // No handler of the worker may run in the child while both share the memory.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork_and_run(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  failure_pipe.theirs.reset();
  if (pid < 0) {
    return fail(Error::from_errno(fork_error, "starting a process"));
  }
  SpawnFailure failure{};
  ssize_t n = 0;
  do {
    n = ::read(failure_pipe.ours.get(), &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof failure)) {
    ::waitpid(pid, nullptr, 0);
    return fail(explain(failure, spec));
  }
  return pid;
}

}  // namespace

Result<Spawned> spawn(const SpawnSpec& spec) {
  if (spec.argv.empty()) {
    return fail(Error::invalid("argv", "must name a command"));
  }
  Ends in;
  Ends progress;
  if (spec.with_stdin) {
    BERTH_ASSIGN(in, make_ends(false));
  } else {
    in.theirs.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!in.theirs) {
      return fail(Error::from_errno(errno, "opening /dev/null"));
    }
  }
  BERTH_ASSIGN(Ends out, make_ends(true));
  BERTH_ASSIGN(Ends err, make_ends(true));
  if (spec.with_progress) {
    BERTH_ASSIGN(progress, make_ends(true));
  }

  const std::vector<std::string> candidates = candidate_paths(spec);
  const std::string directory = spec.directory.string();
  ChildPlan plan;
  for (const std::string& path : candidates) {
    plan.candidates.push_back(path.c_str());
  }
  plan.argv = pointers(spec.argv);
  plan.env = pointers(spec.env);
  plan.directory = directory.c_str();
  plan.fds = {in.theirs.get(), out.theirs.get(), err.theirs.get(), progress.theirs.get()};
  plan_limits(spec, plan);

  Spawned child;
  BERTH_ASSIGN(child.pid, start(plan, spec));
  child.pidfd.reset(pidfd_open(child.pid));
  if (!child.pidfd) {
    const int error = errno;
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return fail(Error::from_errno(error, "watching a process"));
  }
  child.in = std::move(in.ours);
  child.out = std::move(out.ours);
  child.err = std::move(err.ours);
  child.progress = std::move(progress.ours);
  return child;
}

}  // namespace berth::worker
