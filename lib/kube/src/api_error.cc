#include <algorithm>
#include <charconv>

#include "berth/http/server.h"
#include "berth/kube/client.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::seconds kLongestRetryAfter = 10min;
constexpr std::size_t kLongestMessage = 4096;

// As everywhere in Berth, but for two things that this server means otherwise.
ErrorCode code_of(int http_status, std::string_view reason) {
  if (http_status == 409 && reason == "AlreadyExists") {
    return ErrorCode::kAlreadyExists;
  }
  // 500 too: what it cannot do now (etcd is away, a webhook failed) it may do later.
  if (http_status >= 500 && http_status != 501) {
    return ErrorCode::kUnavailable;
  }
  return http::code_from_status(http_status);
}

void set_retry_after(Error& error, std::int64_t seconds) {
  if (seconds > 0) {
    error.retry_after = std::chrono::seconds(std::min(seconds, kLongestRetryAfter.count()));
  }
}

Error from_object(const Json& status, int http_status) {
  Error error;
  error.reason = get_string(status, "reason").value_or("");
  error.message = get_string(status, "message").value_or("").substr(0, kLongestMessage);
  if (const Json* causes = find_path(status, {"details", "causes"});
      causes != nullptr && causes->is_array() && !causes->empty()) {
    error.field = string_at(causes->front(), {"field"});
    for (const Json& cause : *causes) {
      if (string_at(cause, {"reason"}) == "ResourceVersionTooLarge") {
        error.reason = "ResourceVersionTooLarge";
      }
    }
  }
  if (const Json* details = find(status, "details")) {
    set_retry_after(error, get_int(*details, "retryAfterSeconds").value_or(0));
  }
  error.code = code_of(http_status, error.reason);
  return error;
}

}  // namespace

Error error_from_status(const Json& status) {
  const std::int64_t code = get_int(status, "code").value_or(500);
  Error error = from_object(status, static_cast<int>(std::clamp<std::int64_t>(code, 0, 999)));
  if (error.message.empty()) {
    error.message = "the API server reported an error without a message";
  }
  return error;
}

Error error_from_status(const http::Response& response) {
  const Result<Json> body = parse_json(response.body);
  const bool is_status = body && get_string(*body, "kind") == "Status";
  Error error = from_object(is_status ? *body : Json(), response.status);
  if (error.message.empty()) {
    error.message = "HTTP status " + std::to_string(response.status) + " from the API server";
    if (!response.body.empty()) {
      error.message += ": " + response.body.substr(0, 200);
    }
  }
  const std::string_view header = response.headers.get("Retry-After");
  std::int64_t seconds = 0;
  if (std::from_chars(header.data(), header.data() + header.size(), seconds).ec == std::errc()) {
    set_retry_after(error, seconds);
  }
  return error;
}

}  // namespace berth::kube
