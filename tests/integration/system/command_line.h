#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/json.h"
#include "tests/integration/system/test_process.h"

namespace berth::system_test {

/// `berth` as a user has it: a folder of its own for its state and for `pool.yaml` (pool "p", two
/// workers at most with two sessions each). A process that is left at the end fails the test.
class CommandLine : public ::testing::Test {
 protected:
  struct Ran {
    int status = -1;
    std::string output;  // both streams
  };

  CommandLine();
  ~CommandLine() override;

  /// Starts `berth` with these arguments.
  std::unique_ptr<TestProcess> berth(std::vector<std::string> args);
  /// The same, to its end.
  Ran run(std::vector<std::string> args);
  Ran run_in_session(const std::vector<std::string>& argv);
  static std::string first_line(const Ran& ran);

  /// Waits for the condition, or the end of `process`. At most 30 s.
  static bool await(TestProcess& process, const std::function<bool()>& condition);

  /// Of a `berth dev` whose data is `data` in this test's folder; `data`.ready is made when it is.
  std::vector<std::string> dev_command(const std::string& name, const std::string& listen,
                                       const std::string& data) const;
  /// The cluster of all other commands, until end_dev() or the end of the test.
  void start_dev();
  void end_dev();

  Json sessions();
  /// Of an open session; else empty.
  std::string worker_of(const std::string& session);
  /// Of a worker, as the gateway sees it; empty when it sees none.
  std::string state_of(const std::string& worker);

  std::filesystem::path dir_;
  int runs_ = 0;
  std::unique_ptr<TestProcess> dev_;
  std::string gateway_;
};

}  // namespace berth::system_test
