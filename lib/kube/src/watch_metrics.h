#pragma once

#include <string>

#include "berth/observe/metrics.h"

namespace berth::kube {

/// The series of one reflector.
struct WatchMetrics {
  WatchMetrics(Metrics& metrics, const std::string& resource);

  Gauge silence;
  Counter lists;
  Counter failures;
};

}  // namespace berth::kube
