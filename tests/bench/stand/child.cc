#include "tests/bench/stand/child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "berth/base/file.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {
namespace {

constexpr auto kStart = std::chrono::seconds(20);
constexpr auto kGrace = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::milliseconds(10);

std::filesystem::path log_file(const Child::Spec& spec) {
  return spec.dir / (spec.name + ".log");
}

std::string last_words(const Child::Spec& spec) {
  const auto text = read_file(log_file(spec)).value_or("");
  return text.empty() ? "it wrote nothing"
                      : text.substr(text.size() - std::min<std::size_t>(text.size(), 2000));
}

[[noreturn]] void become(const Child::Spec& spec, pid_t parent, char* const* argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = ::open(log_file(spec).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (log < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0 || ::getppid() != parent) {
    ::_exit(127);
  }
  ::close_range(3, ~0U, 0);
  pin_this_thread(spec.core);
  ::execv(spec.program.c_str(), argv);
  ::_exit(127);
}

}  // namespace

std::filesystem::path Child::port_file(const Spec& spec) {
  return spec.dir / (spec.name + ".ports");
}

Result<std::unique_ptr<Child>> Child::start(const Spec& spec) {
  std::error_code ignored;
  std::filesystem::remove(port_file(spec), ignored);
  std::vector<std::string> words = {spec.program.string()};
  words.insert(words.end(), spec.args.begin(), spec.args.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail(Error::from_errno(errno, "starting " + spec.name));
  }
  if (pid == 0) {
    become(spec, parent, argv.data());
  }
  std::unique_ptr<Child> child(new Child(pid));
  const auto until = std::chrono::steady_clock::now() + kStart;
  while (std::chrono::steady_clock::now() < until) {
    if (const auto text = read_file(port_file(spec), 65536)) {
      BERTH_ASSIGN(child->ports_, parse_json(*text));
      return child;
    }
    if (child->ended()) {
      return fail(Error::make(ErrorCode::kUnavailable, "",
                              spec.name + " ended at once: " + last_words(spec)));
    }
    std::this_thread::sleep_for(kLook);
  }
  return fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                          spec.name + " did not start within 20 s: " + last_words(spec)));
}

Child::~Child() {
  if (ended()) {
    return;
  }
  ::kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + kGrace;
  while (std::chrono::steady_clock::now() < until) {
    if (ended()) {
      return;
    }
    std::this_thread::sleep_for(kLook);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::ended() {
  gone_ = gone_ || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
  return gone_;
}

std::uint16_t port_of(const std::string& address) {
  const auto colon = address.rfind(':');
  return colon == std::string::npos
             ? 0
             : static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
}

}  // namespace berth::bench
