#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/activity.h"
#include "berth/api/ids.h"
#include "berth/base/event_loop.h"
#include "berth/base/json.h"

namespace berth::worker {

class OutputStream;

/// One activity to run, already admitted: its session is open and its record is journaled.
struct ActivityTask {
  api::SessionId session_id;
  api::ActivityId activity_id;
  std::string type;
  Json input;
  std::filesystem::path directory;  ///< The session's own, existing.
  std::optional<Duration> start_to_close_timeout;
  std::optional<Duration> heartbeat_timeout;
};

/// How an activity ended. `state` is final.
struct ActivityOutcome {
  api::ActivityState state = api::ActivityState::kFailed;
  Json result;
  std::optional<api::ActivityFailure> failure;
  std::optional<std::int64_t> exit_status;
  std::string stdout_base64;
};

/// What a run tells while it goes on. All on the loop, never inside start().
struct ActivityEvents {
  std::function<void(Json progress)> progress;
  /// The newest tail of stderr, at most 8 KiB of valid UTF-8.
  std::function<void(std::string tail)> stderr_tail;
  /// ActivityRun::output() has news.
  std::function<void()> output_grew;
  /// The group of processes that must be dead before a later incarnation may trust the slot; to be
  /// journaled.
  std::function<void(int process_group)> process_group;
  /// Exactly once, when the activity has really stopped: no thread or process of it is left.
  std::function<void(ActivityOutcome)> done;
};

/// A running activity. Destroying it before `done` is a programming error: the slot would be
/// counted free too early.
class ActivityRun {
 public:
  virtual ~ActivityRun() = default;
  /// Asks it to stop; `done` follows when it has. Repeats are harmless. `why` becomes the failure's
  /// type
  /// ("Cancelled", "SessionEnded").
  virtual void cancel(const std::string& why) = 0;
  /// True when it was told to stop, its grace is over and it still has not: the worker says so and
  /// keeps the slot.
  virtual bool stuck() const { return false; }
  /// Its output while it runs, if it was asked to stream it; else null.
  virtual std::shared_ptr<OutputStream> output() const { return nullptr; }
};

/// Runs one kind of activity (functions, commands, exec, http). Owned by the registry; outlives its
/// runs.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Starts it. An error means nothing was started (kInvalidArgument with the field for bad input).
  virtual Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) = 0;
};

/// Activity types by name. Built once at start-up.
class ActivityRegistry {
 public:
  /// False if the name is taken.
  bool add(std::string type, std::shared_ptr<Executor> executor);
  /// Null if unknown.
  Executor* find(const std::string& type) const;
  std::vector<std::string> types() const;

 private:
  std::vector<std::pair<std::string, std::shared_ptr<Executor>>> executors_;
};

}  // namespace berth::worker
