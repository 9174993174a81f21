#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/worker_config.h"
#include "berth/base/event_loop.h"
#include "worker/activity/executor.h"
#include "worker/activity/process/supervisor.h"

namespace berth::worker {

/// A folder that goes away with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Real processes on a real loop. Tests wait for events; a test that hangs is failed by a timer.
class ActivityTest : public ::testing::Test {
 protected:
  static constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

  /// What a run has told so far.
  struct Seen {
    std::unique_ptr<ActivityRun> run;
    std::vector<Json> progress;
    std::string stderr_tail;
    int process_group = 0;
    std::optional<ActivityOutcome> outcome;
    int done_calls = 0;
  };

  ActivityTask task(Json input = nullptr, std::string activity_id = "a1");
  static api::ActivitySpec shell(const std::string& script);

  /// Starts it; what it tells is in the result, which lives as long as the test.
  Seen& start(Executor& executor, ActivityTask task);
  /// Runs the loop until `condition` holds. It is looked at after each event of a run and every 10
  /// ms.
  void run_until(const std::function<bool()>& condition);
  void run_until_done(Seen& seen) {
    run_until([&] { return seen.outcome.has_value(); });
  }
  /// Both, for a shell script as command.
  ActivityOutcome outcome_of(const std::string& script, Json input = nullptr);
  ActivityOutcome outcome_of(api::ActivitySpec spec, Json input = nullptr);

  std::string failure_type(const ActivityOutcome& o) {
    return o.failure ? o.failure->type : "none";
  }
  static bool exists(int pid);
  int number_in(const std::string& file);

  AsioLoop loop_;
  TemporaryFolder folder_;
  std::vector<std::string> log_lines_;
  Log log_ = Log::to_function([this](const std::string& line) { log_lines_.push_back(line); });
  ProcessSupervisor supervisor_{loop_, log_};
  std::vector<std::shared_ptr<Executor>> executors_;
  std::vector<std::unique_ptr<Seen>> seen_;

 private:
  void look();
  std::function<bool()> condition_;
};

}  // namespace berth::worker
