#include "worker/activity/command_executor.h"

#include <signal.h>
#include <string.h>

#include <utility>

#include "worker/activity/environment.h"
#include "worker/activity/outcome.h"
#include "worker/activity/process/marker.h"
#include "worker/activity/process_run.h"

namespace berth::worker {
namespace {

constexpr std::size_t kStderrInMessage = 1024;

std::string with_stderr(std::string message, const std::string& tail) {
  const std::size_t end = tail.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) {
    return message;
  }
  return std::move(message) + "; stderr ends with: " +
         std::string(last_characters(std::string_view(tail).substr(0, end + 1), kStderrInMessage));
}

std::string explain_signal(int signal, const api::ActivitySpec& spec) {
  if (signal == SIGXCPU || (signal == SIGKILL && spec.max_cpu_seconds > 0)) {
    return "; it may use " + std::to_string(spec.max_cpu_seconds) + " s of CPU time";
  }
  if (signal == SIGXFSZ) {
    return "; a file of it may have " + std::to_string(spec.max_file_bytes) + " bytes";
  }
  return signal == SIGKILL ? "; perhaps the container ran out of memory" : "";
}

}  // namespace

CommandExecutor::CommandExecutor(ProcessSupervisor& supervisor, api::ActivitySpec spec,
                                 std::string path)
    : supervisor_(supervisor), spec_(std::move(spec)), path_(std::move(path)) {}

ChildSpec child_spec_of(const api::ActivitySpec& spec) {
  ChildSpec child;
  child.spawn.limits = {spec.max_memory_bytes, spec.max_cpu_seconds, spec.max_file_bytes};
  child.max_output_bytes = spec.max_output_bytes;
  child.max_processes = spec.max_processes;
  child.kill_grace = spec.kill_grace;
  return child;
}

ActivityOutcome judge_command(const ChildExit& exit, const api::ActivitySpec& spec) {
  if (!exit.exit_code) {
    const char* const name = ::sigabbrev_np(exit.signal);
    return failed("Killed",
                  with_stderr("ended by signal " + std::to_string(exit.signal) +
                                  (name != nullptr ? " (SIG" + std::string(name) + ")" : "") +
                                  explain_signal(exit.signal, spec),
                              exit.stderr_tail));
  }
  auto answer = parse_answer(exit.output);
  if (*exit.exit_code == 0) {
    if (answer) {
      return succeeded(std::move(*answer));
    }
    return failed("InvalidOutput",
                  "its stdout must be one JSON value in UTF-8: " + answer.error().message +
                      "; it begins with " + quote_start(exit.output),
                  false);
  }
  if (const auto own = answer ? application_failure(*answer) : std::nullopt) {
    return failed(own->type, own->message, own->retryable);
  }
  return failed("ExitStatus",
                with_stderr("exit status " + std::to_string(*exit.exit_code), exit.stderr_tail));
}

Result<std::unique_ptr<ActivityRun>> CommandExecutor::start(ActivityTask task,
                                                            ActivityEvents events) {
  ProcessActivity activity;
  activity.child = child_spec_of(spec_);
  activity.child.spawn.argv = spec_.command;
  activity.child.spawn.env = make_environment(task, path_, spec_.env, {}, true);
  activity.child.spawn.directory = task.directory;
  activity.child.spawn.with_stdin = true;
  activity.child.spawn.with_progress = true;
  activity.child.marker = activity_marker(task.directory, task.activity_id);
  activity.child.stdin_bytes = dump_json(task.input) + "\n";
  activity.start_to_close_bound = spec_.start_to_close_timeout;
  activity.judge = [spec = spec_](const ChildExit& exit) { return judge_command(exit, spec); };
  activity.task = std::move(task);
  return start_process_run(supervisor_, std::move(activity), std::move(events));
}

}  // namespace berth::worker
