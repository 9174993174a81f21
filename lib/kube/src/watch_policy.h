#pragma once

#include <string_view>

#include "berth/base/error.h"

namespace berth::kube {

/// What a reflector does after its watch failed.
enum class AfterFailure {
  kListAtOnce,        ///< The version is too old, which is ordinary after a long silence.
  kListAfterBackoff,  ///< The version or the connection cannot be trusted.
  kWatchAfterBackoff  ///< Only the server or the way to it was bad: the version is still good.
};
std::string_view to_string(AfterFailure next);

/// An "expired" answer: HTTP 410, or the same as a Status.
bool is_expired(const Error& error);

/// Decides, and counts server errors in a row: a version that the server keeps answering with 5xx
/// is given up after five, since the fault may be the version's.
class WatchPolicy {
 public:
  /// `progressed`: an event came since the last list. Without one, a 410 straight after a list
  /// would loop.
  AfterFailure failed(const Error& error, bool progressed);
  void succeeded() { server_errors_ = 0; }

 private:
  int server_errors_ = 0;
};

}  // namespace berth::kube
