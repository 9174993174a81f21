#include "worker/activity/outcome.h"

#include <utility>

#include "berth/base/utf8.h"
#include "worker/activity/process/output_tail.h"
#include "worker/activity/run_reporter.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMaxType = 128;
constexpr std::size_t kMaxMessage = 4096;

class EndedRun final : public ActivityRun {
 public:
  EndedRun(EventLoop& loop, ActivityEvents events, ActivityOutcome outcome)
      : reporter_(loop, std::move(events)) {
    reporter_.done(std::move(outcome));
  }
  void cancel(const std::string& /*why*/) override {}

 private:
  RunReporter reporter_;
};

}  // namespace

ActivityOutcome succeeded(Json result) {
  ActivityOutcome outcome;
  outcome.state = api::ActivityState::kSucceeded;
  outcome.result = std::move(result);
  return outcome;
}

ActivityOutcome failed(std::string type, std::string message, bool retryable) {
  ActivityOutcome outcome;
  outcome.state = api::ActivityState::kFailed;
  outcome.failure = {std::move(type), std::move(message), retryable};
  return outcome;
}

ActivityOutcome cancelled(const std::string& why) {
  ActivityOutcome outcome;
  outcome.state = api::ActivityState::kCancelled;
  outcome.failure = {
      why, why == "Cancelled" ? "the activity was cancelled" : "the activity was cancelled: " + why,
      false};
  return outcome;
}

ActivityOutcome timed_out(api::ActivityFailure failure) {
  ActivityOutcome outcome;
  outcome.state = api::ActivityState::kTimedOut;
  outcome.failure = std::move(failure);
  return outcome;
}

Result<Json> parse_answer(std::string_view text) {
  return is_blank(text) ? Result<Json>(Json()) : parse_json(text);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::optional<api::ActivityFailure> application_failure(const Json& answer) {
  const Json* const error = find(answer, "error");
  const auto type = error != nullptr ? get_string(*error, "type") : std::nullopt;
  if (!type || type->empty()) {
    return std::nullopt;
  }
  return api::ActivityFailure{
      std::string(first_characters(*type, kMaxType)),
      std::string(first_characters(string_at(*error, {"message"}), kMaxMessage)),
      get_bool(*error, "retryable").value_or(true)};
}

std::unique_ptr<ActivityRun> ended_run(EventLoop& loop, ActivityEvents events,
                                       ActivityOutcome outcome) {
  return std::make_unique<EndedRun>(loop, std::move(events), std::move(outcome));
}

}  // namespace berth::worker
