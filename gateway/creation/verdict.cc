#include "gateway/creation/verdict.h"

#include <string>

#include "berth/api/session_timeouts.h"
#include "berth/base/duration.h"
#include "berth/http/server.h"

namespace berth::gateway {

Verdict judge(const Result<http::Response>& result) {
  if (!result) {
    return result.error().reason == "ConnectFailed" ? Verdict::kTryNext : Verdict::kUnclear;
  }
  const int status = result->status;
  switch (status) {
    case 200:
    case 201:
      return Verdict::kOpened;
    case 400:
    case 409:
    case 410:
    case 413:
    case 422:
      return Verdict::kTellCaller;
    case 429:
      // Of a worker that has free slots, but not for this owner.
      return http::error_from_response(*result).reason == "OwnerLimit" ? Verdict::kTellCaller
                                                                       : Verdict::kTryNext;
    case 503:
      return Verdict::kTryNext;
    default:
      return status >= 500 ? Verdict::kUnclear : Verdict::kTryNext;
  }
}

bool worth_repeating(const Result<http::Response>& result) {
  return !result && result.error().code == ErrorCode::kUnavailable;
}

http::Response shutting_down() {
  Error error = Error::make(ErrorCode::kUnavailable, "ShuttingDown",
                            "this gateway is stopping; ask again with the same id");
  error.retry_after = std::chrono::milliseconds(0);
  http::Response response = http::error_response(error);
  response.headers.set("Connection", "close");
  return response;
}

Status check_limits(const PoolInfo& pool, const api::CreateSession& request) {
  const api::SessionsSpec& s = pool.sessions;
  if (request.creation_timeout.value_or(Duration(0)) > s.max_creation_timeout) {
    return fail(Error::invalid(
        "creationTimeout", "must be at most " + format_duration(s.max_creation_timeout) +
                               " in this pool, is " + format_duration(*request.creation_timeout)));
  }
  if (request.execution_timeout) {
    BERTH_TRY(api::check_session_timeout("executionTimeout", *request.execution_timeout,
                                         s.max_execution_timeout));
  }
  if (request.heartbeat_timeout) {
    BERTH_TRY(api::check_session_timeout("heartbeatTimeout", *request.heartbeat_timeout,
                                         s.max_heartbeat_timeout));
  }
  return {};
}

http::Response still_waiting(const api::SessionId& id) {
  Error error = Error::make(
      ErrorCode::kUnavailable, "StillWaiting",
      "no slot is free yet; ask again with the same id within 5 seconds to keep the place");
  error.retry_after = std::chrono::milliseconds(0);
  http::Response response = http::error_response(error);
  if (auto body = parse_json(response.body)) {
    (*body)["id"] = id.str();
    response.body = dump_json(*body);
  }
  return response;
}

}  // namespace berth::gateway
