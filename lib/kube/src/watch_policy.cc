#include "lib/kube/src/watch_policy.h"

namespace berth::kube {
namespace {

constexpr int kServerErrorsBeforeList = 5;

bool version_survives(const Error& e) {
  return e.reason != "ResourceVersionTooLarge" && e.retryable();
}

bool answered_by_server(const Error& e) {
  return e.code == ErrorCode::kUnavailable && e.reason != "ConnectFailed" &&
         e.reason != "ConnectionLost" && e.reason != "ShortWatch";
}

}  // namespace

std::string_view to_string(AfterFailure next) {
  switch (next) {
    case AfterFailure::kListAtOnce:
      return "list at once";
    case AfterFailure::kListAfterBackoff:
      return "list";
    case AfterFailure::kWatchAfterBackoff:
      break;
  }
  return "watch";
}

bool is_expired(const Error& e) {
  return e.code == ErrorCode::kGone || e.reason == "Expired" || e.reason == "Gone";
}

AfterFailure WatchPolicy::failed(const Error& error, bool progressed) {
  if (is_expired(error)) {
    return progressed ? AfterFailure::kListAtOnce : AfterFailure::kListAfterBackoff;
  }
  server_errors_ = answered_by_server(error) ? server_errors_ + 1 : 0;
  return version_survives(error) && server_errors_ < kServerErrorsBeforeList
             ? AfterFailure::kWatchAfterBackoff
             : AfterFailure::kListAfterBackoff;
}

}  // namespace berth::kube
