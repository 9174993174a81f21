#pragma once

#include <string>

#include "berth/base/clock.h"
#include "berth/observe/metrics.h"

namespace berth::kube {

/// The series of one work queue under the names that client-go and controller-runtime use, so that
/// their dashboards work unchanged.
struct WorkQueueMetrics {
  WorkQueueMetrics(Metrics& metrics, const std::string& name, int concurrency);

  Gauge depth_news;
  Gauge depth_bulk;
  Counter adds;
  Counter retries;
  Histogram waited;  ///< Seconds from ready to started.
  Histogram worked;  ///< Seconds of one reconcile.
  Gauge unfinished;  ///< Seconds of all running reconciles together.
  Gauge longest;
  Histogram reconcile_time;
  Counter success;
  Counter error;
  Counter requeue_after;
  Counter errors;
  Gauge active;
};

}  // namespace berth::kube
