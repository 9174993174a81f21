#include "worker/activity/exec_executor.h"

#include <utility>

#include "berth/base/base64.h"
#include "worker/activity/command_executor.h"
#include "worker/activity/outcome.h"
#include "worker/activity/process/marker.h"
#include "worker/activity/process_run.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMaxArguments = 1024;
constexpr std::size_t kMaxArgumentBytes = 128u << 10;

Result<std::vector<std::string>> parse_argv(const Json& array) {
  if (array.empty() || array.size() > kMaxArguments) {
    return fail(Error::invalid("input.argv",
                               "must have 1 to " + std::to_string(kMaxArguments) + " strings"));
  }
  std::vector<std::string> argv;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const std::string where = "input.argv[" + std::to_string(i) + "]";
    if (!array[i].is_string()) {
      return fail(Error::invalid(where, "must be a string"));
    }
    argv.push_back(array[i].get<std::string>());
    if (argv.back().find('\0') != std::string::npos) {
      return fail(Error::invalid(where, "must not contain NUL"));
    }
    bytes += argv.back().size() + 1;
  }
  if (argv.front().empty()) {
    return fail(Error::invalid("input.argv[0]", "must name a command"));
  }
  if (bytes > kMaxArgumentBytes) {
    return fail(
        Error::invalid("input.argv", "must be at most " + std::to_string(kMaxArgumentBytes) +
                                         " bytes in all; send more through stdin or a file"));
  }
  return argv;
}

}  // namespace

Result<ExecInput> ExecInput::parse(const Json& input) {
  FieldReader r(input, "input");
  ExecInput out;
  const Json* const argv = r.array("argv");
  if (argv == nullptr) {
    r.error("argv", "is required: a list of strings");
  }
  r.optional("stdin", out.stdin_bytes);
  r.optional("stream", out.stream);
  const Json* const env = r.object("env");
  BERTH_TRY(r.finish());
  BERTH_ASSIGN(out.argv, parse_argv(*argv));
  if (env != nullptr) {
    BERTH_ASSIGN(out.env, parse_caller_environment(*env, "input.env"));
  }
  return out;
}

ExecExecutor::ExecExecutor(ProcessSupervisor& supervisor, api::ActivitySpec limits,
                           std::string path)
    : supervisor_(supervisor), limits_(std::move(limits)), path_(std::move(path)) {}

Result<std::unique_ptr<ActivityRun>> ExecExecutor::start(ActivityTask task, ActivityEvents events) {
  BERTH_ASSIGN(ExecInput input, ExecInput::parse(task.input));
  if (task.heartbeat_timeout) {
    return fail(
        Error::invalid("heartbeatTimeout", "exec reports no progress, so it can have none"));
  }
  ProcessActivity activity;
  activity.child = child_spec_of(limits_);
  activity.child.spawn.env = make_environment(task, path_, limits_.env, input.env, false);
  activity.child.spawn.argv = std::move(input.argv);
  activity.child.spawn.directory = task.directory;
  activity.child.spawn.with_stdin = !input.stdin_bytes.empty();
  activity.child.stream = input.stream;
  activity.child.marker = activity_marker(task.directory, task.activity_id);
  activity.child.stdin_bytes = std::move(input.stdin_bytes);
  activity.start_to_close_bound = limits_.start_to_close_timeout;
  activity.judge = [](const ChildExit& exit) {
    ActivityOutcome outcome = succeeded(Json());
    outcome.stdout_base64 = base64_encode(exit.output);
    return outcome;
  };
  activity.task = std::move(task);
  return start_process_run(supervisor_, std::move(activity), std::move(events));
}

}  // namespace berth::worker
