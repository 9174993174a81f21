#pragma once

#include <optional>
#include <string>

#include "worker/activity/executor.h"

namespace berth::worker {

ActivityOutcome succeeded(Json result);
ActivityOutcome failed(std::string type, std::string message, bool retryable = true);
/// The outcome of a run that was told to stop for this reason.
ActivityOutcome cancelled(const std::string& why);
ActivityOutcome timed_out(api::ActivityFailure failure);

/// The result that a command or an application gave as text: JSON, or null where it is blank.
Result<Json> parse_answer(std::string_view text);
/// True for text of nothing but spaces and line ends.
bool is_blank(std::string_view text);

/// The failure that an application reports of its own: {"error": {"type": "FileNotFound",
/// "message": "...", "retryable": false}}. Type and message are cut at 128 and 4096 bytes. Nothing
/// if `answer` has not that form.
std::optional<api::ActivityFailure> application_failure(const Json& answer);

/// A run that was over before it began (command not found): tells `outcome` from the loop.
std::unique_ptr<ActivityRun> ended_run(EventLoop& loop, ActivityEvents events,
                                       ActivityOutcome outcome);

}  // namespace berth::worker
