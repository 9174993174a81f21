#pragma once

#include <map>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"

namespace berth::op {

/// Writes Kubernetes events (events.k8s.io/v1) about pools. Never holds anything up: at most 32 on
/// their way, what is over is counted and dropped with a log line. Events that repeat within six
/// minutes (same reason, same pool) become one series, which is written at most once a minute. Loop
/// thread only.
class EventRecorder {
 public:
  struct Regarding {
    std::string ns;
    std::string pool;
    std::string uid;
  };
  EventRecorder(EventLoop& loop, kube::Client& client, Random& random, std::string instance,
                Log log, Metrics& metrics);
  ~EventRecorder();
  /// `reason`: CamelCase, stable. `message`: at most 1 KiB is kept.
  void record(const Regarding& about, std::string reason, std::string message, bool warning);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
