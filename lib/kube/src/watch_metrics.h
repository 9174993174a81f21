#pragma once

#include <string>

#include "berth/observe/metrics.h"

namespace berth::kube {

/// The series of one reflector. `scope` is the namespace that it watches, or "*": without it one
/// watch that goes on would hide another one's silence.
struct WatchMetrics {
  WatchMetrics(Metrics& metrics, const std::string& resource, const std::string& scope);

  Gauge silence;
  Counter lists;
  Counter failures;
};

}  // namespace berth::kube
