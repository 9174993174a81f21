#pragma once

#include <optional>
#include <string>

#include "berth/base/clock.h"
#include "berth/kube/config.h"
#include "berth/observe/log.h"

namespace berth::kube {

/// The bearer token to send: the configured one, or the token file's, which the kubelet rotates.
/// Loop thread only.
///
///   - the file is read again each minute; when that fails the old token stays and the next try
///   comes 10 s later
///   - after a 401 the token is dropped, and the file must be readable again
class TokenSource {
 public:
  TokenSource(const Clock& clock, const Config& config, Log log)
      : clock_(clock), config_(config), log_(std::move(log)) {}

  /// Empty: send none.
  Result<std::string> get();
  void rejected();

 private:
  const Clock& clock_;
  const Config& config_;
  Log log_;
  std::optional<std::string> cached_;
  TimePoint read_again_{};
};

}  // namespace berth::kube
