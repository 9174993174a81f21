#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "berth/base/clock.h"
#include "berth/observe/metrics.h"

namespace berth::gateway {

/// How a session request ended, for berth_gateway_session_requests_total{outcome}.
enum class CreationOutcome {
  kCreated,
  kRejected,     ///< 4xx: the request itself was wrong.
  kUnknownPool,  ///< Counted with empty labels: a caller's text never becomes a label.
  kLineFull,
  kOwnerLimit,
  kCreationTimeout,
  kCallerGone,
  kFailed,  ///< The one worker that it had to be (recreate) could not take it.
  kShuttingDown,
};
std::string_view to_string(CreationOutcome outcome);

/// The gateway's metrics of design §9. Loop thread only.
class CreationMetrics {
 public:
  explicit CreationMetrics(Metrics& metrics);

  /// A pool is there: its counters show from 0 on, so that increase() sees the first event.
  void known(const std::string& pool_key);
  /// `pool_key` must be of a pool that exists or existed; ignored for kUnknownPool.
  void ended(const std::string& pool_key, CreationOutcome outcome);
  /// From the first request to the answer.
  void created_after(Duration waited);
  void waiting(const std::string& pool_key, std::size_t count);
  /// Age of the request that has waited longest; zero: nobody waits.
  void oldest_wait(const std::string& pool_key, Duration age);
  /// Takes the pool's gauges away.
  void forget(const std::string& pool_key);

 private:
  struct PoolGauges {
    Gauge waiting;
    Gauge oldest;
  };
  Counter& counter(const std::string& pool_key, CreationOutcome outcome);
  PoolGauges& gauges(const std::string& pool_key);

  Metrics& metrics_;
  Histogram creation_seconds_;
  std::map<std::pair<std::string, CreationOutcome>, Counter> ended_;
  std::map<std::string, PoolGauges> gauges_;
};

}  // namespace berth::gateway
