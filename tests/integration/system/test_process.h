#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/file.h"

namespace berth::system_test {

/// One real program, its output in a file. Main thread only: it dies with the thread that starts
/// it, so that an aborted test leaves nothing.
class TestProcess {
 public:
  /// Starts it. `env` ("NAME=value") comes on top of our own environment.
  TestProcess(const std::vector<std::string>& argv, const std::vector<std::string>& env,
              std::filesystem::path output);
  ~TestProcess();  ///< SIGKILL.
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int signal) const;
  /// kill -9, and waits for its end.
  void kill();
  /// Waits for its end; false when `limit` passed first.
  bool wait(Duration limit);
  bool running() { return !wait(Duration(0)); }
  /// Exit status, or 128 + signal. After its end.
  int status() const { return status_; }
  std::string output() const;

 private:
  std::filesystem::path output_;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool ended_ = false;
  int status_ = -1;
};

/// Processes whose command line or environment contains `text`, as "pid command".
std::vector<std::string> processes_with(const std::string& text);
/// The one process whose command line or environment contains all of `texts` and whose program is
/// called `program`; -1 if there is none.
pid_t find_process(const std::string& program, const std::vector<std::string>& texts);

}  // namespace berth::system_test
