#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/model/observed.h"

namespace berth::op {

/// Since when the workers of one pool drain: they take no new session, for whatever reason, until
/// their pod is gone. For the metrics only; a restarted operator counts from its start. Loop thread
/// only.
class DrainTracker {
 public:
  /// Returns how long each drain took that is over since the last call. A worker that takes
  /// sessions again has not drained.
  std::vector<Duration> update(const std::vector<Worker>& workers, TimePoint now);
  /// Since when the worker drains that has drained longest.
  std::optional<TimePoint> oldest() const;

 private:
  std::map<std::string, TimePoint> since_;  ///< By uid.
};

}  // namespace berth::op
