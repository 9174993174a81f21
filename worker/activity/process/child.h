#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "worker/activity/process/output_tail.h"
#include "worker/activity/process/pipes.h"
#include "worker/activity/process/spawn.h"
#include "worker/activity/process/supervisor.h"

namespace berth::worker {

struct ChildSpec {
  SpawnSpec spawn;
  std::string marker;
  std::string stdin_bytes;
  std::int64_t max_output_bytes = 1 << 20;  ///< Of stdout, unless it is streamed.
  bool stream = false;                      ///< Output goes to ChildEvents::output.
  std::int64_t max_processes = 0;           ///< 0: no limit.
  Duration kill_grace = std::chrono::seconds(10);
};

/// What is left when no process of it is.
struct ChildExit {
  std::optional<int> exit_code;  ///< Nothing if a signal ended it.
  int signal = 0;
  std::string output;       ///< All of stdout, unless that was too much or streamed.
  std::string stderr_tail;  ///< At most 8 KiB, valid UTF-8.
};

struct ChildEvents {
  std::function<void(std::string_view line)>
      progress_line;                  ///< One line, at most 16 KiB; longer ones are dropped.
  std::function<void()> stderr_grew;  ///< See Child::stderr_tail().
  /// With ChildSpec::stream: all that it prints.
  std::function<void(bool is_stderr, std::string_view bytes)> output;
  /// A limit was passed, and it is being ended: "OutputTooLarge" or "TooManyProcesses".
  std::function<void(std::string type, std::string message)> limit_passed;
  std::function<void(ChildExit)>
      gone;  ///< Once, on the loop, with nothing of the child on the stack.
};

/// The processes of one activity: a leader and everything that it started, however far that went.
///
/// It is gone when the leader has been reaped and no process is left. Once the leader has exited
/// the rest is killed at once (SIGKILL). The leader's number stays taken until then, because it is
/// reaped last: signals to its group cannot hit strangers.
///
/// Loop thread only. Memory is bounded by max_output_bytes (none when streamed) and a few small
/// buffers, whatever the child prints. Destroying it before `gone` kills what it can and forgets
/// the rest: only for a worker that is exiting.
class Child {
 public:
  /// Errors as of spawn(): nothing runs then.
  static Result<std::unique_ptr<Child>> start(ProcessSupervisor& supervisor, ChildSpec spec,
                                              ChildEvents events);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// SIGTERM to the group; after the grace SIGKILL to everything. Repeats are harmless.
  void stop();
  /// SIGKILL to everything now.
  void kill();
  /// Stops reading what it prints, so that it waits; goes on reading. What the pipes hold at its
  /// end still comes, at most 1 MiB each.
  void hold_output();
  void release_output();
  /// The leader has ended: its exit decides, a stop comes too late.
  bool exited() const { return exited_; }
  /// Killed five seconds ago and still there (a process in uninterruptible sleep).
  bool stuck() const { return stuck_; }

  pid_t process_group() const { return process_.pid; }
  std::string stderr_tail() const { return tail_.text(); }

 private:
  Child(ProcessSupervisor& supervisor, ChildSpec spec, Spawned process, ChildEvents events);
  void open_pipes(Spawned& process);
  void on_output(std::string_view bytes);
  void on_leader_exit();
  void on_sweep(const std::vector<ProcessInfo>& alive);
  void keep_killing(const std::vector<ProcessInfo>& alive);
  void finish();

  ProcessSupervisor& supervisor_;
  AsioLoop& loop_;
  ChildSpec spec_;
  ChildEvents events_;
  Spawned process_;
  std::optional<PipeWriter> stdin_;
  std::optional<PipeReader> stdout_;
  std::optional<PipeReader> stderr_;
  std::optional<PipeReader> progress_;
  std::string output_;
  OutputTail tail_;
  std::string progress_line_;
  bool line_too_long_ = false;
  bool output_too_large_ = false;
  bool exited_ = false;
  bool stopping_ = false;
  bool killing_ = false;
  bool stuck_ = false;
  bool finished_ = false;
  int empty_sweeps_ = 0;
  Duration retry_{0};
  TimePoint killed_at_{};
  Cancel exit_wait_;
  Cancel grace_timer_;
  Cancel retry_timer_;
  Cancel watch_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
