#include "temporal/session/activity_run.h"

#include <utility>

#include "berth/base/base64.h"
#include "berth/base/utf8.h"

namespace berth::temporal {
namespace {

// Below the 4 MiB that gRPC's other side takes; what Temporal itself allows (2 MB by default) it
// says to the workflow.
constexpr std::size_t kLargestResult = 3'500'000;

std::optional<Duration> if_any(Duration d) {
  return d > Duration(0) ? std::optional(d) : std::nullopt;
}

// As an ApplicationError's details: what a person wants to see of a command that failed.
Json details_of(const ActivityEnd& end) {
  return end.stderr_tail.empty() ? Json() : Json{{"stderr", end.stderr_tail}};
}

}  // namespace

ActivityRun::ActivityRun(EventLoop& loop, Service& service, Answers& answers, ActivityTask task,
                         std::string id, Hooks hooks, const Log& log)
    : answers_(answers),
      task_(std::move(task)),
      id_(std::move(id)),
      hooks_(std::move(hooks)),
      log_(log.with({{"activity", id_}, {"type", task_.type}})),
      heartbeats_(
          loop, service, task_.token, task_.heartbeat_timeout,
          {.cancel_requested =
               [this] {
                 cancel_requested_ = true;
                 cancel();
                 hooks_.unwanted();
               },
           .gone =
               [this](const Error& why) {
                 log_.info("the workflow waits no longer for an activity", {{"error", why}});
                 gone_ = true;
                 cancel();
                 hooks_.unwanted();
               }},
          log_) {}

std::string to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCompleted:
      return "Completed";
    case Outcome::kFailed:
      return "Failed";
    case Outcome::kCancelled:
      return "Cancelled";
    case Outcome::kLost:
      return "SessionLost";
  }
  return "Unknown";
}

void ActivityRun::start(HeldSession& held, Json input, bool resumed) {
  log_.info(resumed ? "activity taken up again" : "activity started", {{"attempt", task_.attempt}});
  heartbeats_.start(resumed);
  stop_ = held.execute(
      {.id = id_,
       .type = task_.type,
       .input = std::move(input),
       .start_to_close = if_any(task_.start_to_close),
       // What a command prints is no progress, so "exec" takes no such timeout. That Temporal hears
       // from us is enough there.
       .heartbeat_timeout = task_.type == "exec" ? std::nullopt : if_any(task_.heartbeat_timeout)},
      [this](const Json& progress) { heartbeats_.set_details(progress); },
      [this](const ActivityEnd& end) { this->ended(end); });
}

void ActivityRun::cancel() {
  if (stop_) {
    stop_();
  }
}

Json ActivityRun::result_of(const std::string& type, const ActivityEnd& end) {
  if (type != "exec") {
    return end.result;
  }
  Json result = {{"exitStatus", end.exit_status.value_or(0)}, {"stderr", end.stderr_tail}};
  if (is_utf8(end.output)) {
    result["stdout"] = end.output;
  } else {
    result["stdoutBase64"] = base64_encode(end.output);
  }
  return result;
}

Outcome ActivityRun::succeeded(Json result) {
  if (const std::size_t size = dump_json(result).size(); size > kLargestResult) {
    answers_.failed(task_.token,
                    {.type = "ResultTooLarge",
                     .message = "the result has " + std::to_string(size) +
                                " bytes, more than the " + std::to_string(kLargestResult) +
                                " that can be sent; leave it in a file of the session",
                     .non_retryable = true});
    return Outcome::kFailed;
  }
  answers_.completed(task_.token, std::move(result));
  return Outcome::kCompleted;
}

void ActivityRun::ended(const ActivityEnd& end) {
  Outcome outcome = Outcome::kCompleted;
  switch (end.kind) {
    case ActivityEnd::Kind::kSucceeded:
      outcome = succeeded(result_of(task_.type, end));
      break;
    case ActivityEnd::Kind::kSessionLost:
      outcome = Outcome::kLost;
      break;
    case ActivityEnd::Kind::kCancelled:
      outcome = Outcome::kCancelled;
      if (cancel_requested_) {
        answers_.cancelled(task_.token);
        break;
      }
      [[fallthrough]];  // Nobody asked Temporal for it, so it takes no word of a cancel.
    case ActivityEnd::Kind::kFailed:
      outcome = outcome == Outcome::kCancelled ? outcome : Outcome::kFailed;
      if (!gone_) {
        answers_.failed(task_.token, {.type = end.failure.type,
                                      .message = end.failure.message,
                                      .non_retryable = !end.failure.retryable,
                                      .details = details_of(end)});
      }
      break;
  }
  log_.info("activity ended", {{"outcome", to_string(outcome)}, {"failure", end.failure.type}});
  const auto tell = std::move(hooks_.ended);
  tell(outcome, Error::make(ErrorCode::kUnavailable, end.failure.type, end.failure.message));
}

}  // namespace berth::temporal
