#pragma once

#include <map>
#include <string>
#include <vector>

#include "berth/api/worker_config.h"
#include "worker/activity/environment.h"
#include "worker/activity/executor.h"
#include "worker/activity/process/supervisor.h"

namespace berth::worker {

/// What a client sends to run a command of its own.
struct ExecInput {
  std::vector<std::string> argv;  ///< 1 to 1024 strings, 128 KiB in all, no NUL.
  std::string stdin_bytes;
  EnvironmentMap env;  ///< Not BERTH_*.
  bool stream = false;

  /// {"argv": [...], "stdin": "...", "env": {...}, "stream": true}. Errors name the field as
  /// "input.argv[2]".
  static Result<ExecInput> parse(const Json& input);
};

/// Runs commands of the client's choice; only where the pool says `exec: true`. The activity
/// succeeds whenever the command ran to its end: the raw stdout (base64) and the exit status are
/// its result, 128+signal if it was killed. With `stream` the output is read while it runs, from
/// ActivityRun::output(), without limit and without loss, and the result has none: the command
/// waits for its reader. There is no progress, so a heartbeat timeout is refused.
class ExecExecutor final : public Executor {
 public:
  /// `limits`: timeout, output, grace and so on; its command is not used.
  ExecExecutor(ProcessSupervisor& supervisor, api::ActivitySpec limits, std::string path);

  Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) override;

 private:
  ProcessSupervisor& supervisor_;
  api::ActivitySpec limits_;
  std::string path_;
};

}  // namespace berth::worker
