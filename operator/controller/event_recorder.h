#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"

namespace berth::op {

/// Writes Kubernetes events (events.k8s.io/v1) about pools and what belongs to them. Never holds
/// anything up: at most 32 on their way, what is over is counted and dropped with a log line.
/// Events that repeat within six minutes (same reason, same object: not a later one of its name)
/// become one series, which is written at most once a minute. Loop thread only.
class EventRecorder {
 public:
  struct Regarding {
    std::string ns;
    std::string name;
    std::string uid;
    std::string kind = "SessionPool";
    std::string api_version = "berth.dev/v1alpha1";
  };
  EventRecorder(EventLoop& loop, kube::Client& client, Random& random, std::string instance,
                Log log, Metrics& metrics);
  ~EventRecorder();
  /// `done` once all that was recorded has been written, or after two seconds.
  void flush(std::function<void()> done);
  /// `reason`: CamelCase, stable. `message`: at most 1 KiB is kept.
  void record(const Regarding& about, std::string reason, std::string message, bool warning);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
