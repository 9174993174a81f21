#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/event_loop.h"

namespace berth::devcluster {

/// What to run. The program is an absolute path; nothing is inherited but what is named here.
struct ProcessSpec {
  std::filesystem::path program;
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< "NAME=value"
  std::filesystem::path working_dir;
};

/// How a process ended.
struct ExitStatus {
  int exit_code = 0;  ///< 128 + signal when a signal ended it.
  int signal = 0;
};

/// One container's process and everything it leaves behind. Between us and it stands a small reaper
/// process of our own, forked without exec: a child subreaper that ends every descendant (also
/// those that made sessions of their own) when the process ends, when it is told to, and when we
/// die. So whatever happens, no process survives its container.
///
/// Loop thread only. The owner must not waitpid(-1): it would take our exits.
class ChildProcess {
 public:
  struct Events {
    std::function<void(std::string_view bytes)> output;  ///< stdout and stderr, as they come.
    /// Once, after the last output, when no descendant is left.
    std::function<void(ExitStatus)> exited;
  };
  /// Starts it, in a process group of its own. The error says what failed: no such program, working
  /// directory, fork.
  static Result<std::unique_ptr<ChildProcess>> start(AsioLoop& loop, const ProcessSpec& spec,
                                                     Events events);
  /// Kills whatever still runs and waits for it (milliseconds). No event comes any more.
  ~ChildProcess();

  /// SIGTERM to the process itself, as Kubernetes sends it.
  void terminate();
  /// SIGKILL to the process and all its descendants.
  void kill();
  pid_t pid() const;

 private:
  struct Impl;
  explicit ChildProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace berth::devcluster
