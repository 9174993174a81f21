#include <charconv>
#include <cmath>

#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::http {

namespace {

constexpr ErrorCode kAllCodes[] = {ErrorCode::kInvalidArgument,
                                   ErrorCode::kUnauthenticated,
                                   ErrorCode::kPermissionDenied,
                                   ErrorCode::kNotFound,
                                   ErrorCode::kAlreadyExists,
                                   ErrorCode::kConflict,
                                   ErrorCode::kGone,
                                   ErrorCode::kUnavailable,
                                   ErrorCode::kResourceExhausted,
                                   ErrorCode::kDeadlineExceeded,
                                   ErrorCode::kCancelled,
                                   ErrorCode::kUnimplemented,
                                   ErrorCode::kInternal};

// Nobody waits longer than this because a peer said so.
constexpr std::chrono::hours kMaxRetryAfter{24};

std::optional<std::chrono::milliseconds> retry_after_of(const Response& response,
                                                        const Json* body) {
  double seconds = -1;
  if (const Json* value = body ? find(*body, "retryAfterSeconds") : nullptr;
      value && value->is_number()) {
    seconds = value->get<double>();
  } else {
    const std::string_view header = response.headers.get("Retry-After");
    unsigned whole = 0;
    const auto [end, ec] = std::from_chars(header.data(), header.data() + header.size(), whole);
    if (!header.empty() && ec == std::errc() && end == header.data() + header.size()) {
      seconds = whole;
    }
  }
  if (!(seconds >= 0)) {
    return std::nullopt;
  }
  const double most = std::chrono::duration<double>(kMaxRetryAfter).count();
  return std::chrono::milliseconds(std::llround(std::min(seconds, most) * 1000));
}

// The body's "code" is either the plain name of an ErrorCode or a finer reason.
void take_code(Error& error, std::string name, int status) {
  for (const ErrorCode code : kAllCodes) {
    if (name == to_string(code) && http_status(code) == status) {
      error.code = code;
      return;
    }
  }
  error.reason = std::move(name);
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kGone:
      return 410;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kCancelled:
      return 499;
    case ErrorCode::kUnimplemented:
      return 501;
    case ErrorCode::kInternal:
      break;
  }
  return 500;
}

ErrorCode code_from_status(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 405:
    case 501:
      return ErrorCode::kUnimplemented;
    case 408:
      return ErrorCode::kDeadlineExceeded;
    case 409:
    case 412:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kGone;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 499:
      return ErrorCode::kCancelled;
    case 502:
    case 503:
    case 504:
      return ErrorCode::kUnavailable;
    default:
      return status >= 400 && status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kInternal;
  }
}

Response error_response(const Error& error) {
  Json body = {{"code", error.reason_or_code()}, {"message", error.message}};
  if (!error.field.empty()) {
    body["field"] = error.field;
  }
  const bool too_large = error.code == ErrorCode::kInvalidArgument && error.reason == "TooLarge";
  Response response = Response::json(too_large ? 413 : http_status(error.code), "");
  if (error.retry_after) {
    body["retryAfterSeconds"] = std::chrono::duration<double>(*error.retry_after).count();
    const auto whole = std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count();
    response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(whole, 0)));
  }
  response.body = dump_json(body);
  return response;
}

Error error_from_response(const Response& response) {
  Error error;
  error.code = code_from_status(response.status);
  const auto json = parse_json(response.body);
  const Json* body = json && json->is_object() ? &*json : nullptr;
  error.retry_after = retry_after_of(response, body);
  const auto code = body ? get_string(*body, "code") : std::nullopt;
  if (!code) {
    error.message = "the server answered " + std::to_string(response.status);
    if (!response.body.empty()) {
      error.message += ": " + response.body.substr(0, 200);
    }
    if (response.status == 413) {
      error.reason = "TooLarge";
    }
    return error;
  }
  take_code(error, *code, response.status);
  error.message = get_string(*body, "message").value_or("");
  error.field = get_string(*body, "field").value_or("");
  return error;
}

void Exchange::reply(const Error& error) {
  reply(error_response(error));
}

}  // namespace berth::http
