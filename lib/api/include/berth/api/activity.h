#pragma once

#include <optional>
#include <string>
#include <vector>

#include "berth/api/ids.h"
#include "berth/base/clock.h"
#include "berth/base/json.h"

namespace berth::api {

/// POST .../activities. The same activity id never runs twice: a repeat answers with the state of
/// the first.
struct StartActivity {
  ActivityId activity_id;  ///< Empty: the worker makes one.
  std::string type;        ///< A name that the worker knows, or "exec".
  /// Any JSON; for exec {"argv": [...], "stdin": "...", "env": {...}, "stream": false}.
  Json input;
  std::optional<Duration> start_to_close_timeout;
  std::optional<Duration>
      heartbeat_timeout;  ///< Longest silence between two reports of progress; absent: none asked.

  static Result<StartActivity> parse(const Json& body);
};
Json to_json(const StartActivity& a);

enum class ActivityState { kRunning, kCancelling, kSucceeded, kFailed, kCancelled, kTimedOut };
std::string_view to_string(ActivityState state);
std::optional<ActivityState> parse_activity_state(std::string_view text);
inline bool is_final(ActivityState s) {
  return s != ActivityState::kRunning && s != ActivityState::kCancelling;
}

/// Why an activity did not succeed. `type` is for programs: the application's own ("FileNotFound"),
/// or one of ours: "WorkerRestarted", "CommandNotFound", "ExitStatus", "Killed", "OutputTooLarge",
/// "InvalidOutput", "Timeout", "HeartbeatTimeout", "Cancelled", "SessionEnded", "HttpStatus",
/// "Internal".
struct ActivityFailure {
  std::string type;
  std::string message;
  bool retryable = true;
};

/// GET .../activities/{activityId}.
struct ActivityInfo {
  ActivityId activity_id;
  std::string type;
  ActivityState state = ActivityState::kRunning;
  Json result;                              ///< When succeeded.
  std::optional<ActivityFailure> failure;   ///< When failed, cancelled or timed out.
  Json progress;                            ///< The last one reported; null if none.
  std::int64_t version = 0;                 ///< Grows with each change; for `after` in long polls.
  std::string stderr_tail;                  ///< At most 8 KiB.
  std::optional<std::int64_t> exit_status;  ///< exec and command: 0..255, 128+signal when killed.
  std::string stdout_base64;                ///< exec: raw output.
  Duration runtime{};

  static Result<ActivityInfo> parse(const Json& body);
};
Json to_json(const ActivityInfo& a);

/// GET .../activities/{activityId}/output?after=N, for an exec that was started with "stream".
/// Offsets count the bytes of stdout and stderr together, in the order in which they were read.
struct ActivityOutput {
  struct Chunk {
    bool is_stderr = false;
    std::string bytes;  ///< Any. On the wire "text" if it is UTF-8, else "base64".
  };
  std::vector<Chunk> chunks;
  std::int64_t next = 0;  ///< Ask for what comes after this; that says, too, that this has arrived.
  bool end = false;       ///< Nothing comes after `next`.

  static Result<ActivityOutput> parse(const Json& body);
};
Json to_json(const ActivityOutput& a);

}  // namespace berth::api
