#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/observe/metrics.h"
#include "operator/status/status.h"

namespace berth::op {

/// The operator's metrics about pools: berth_pool_* with labels namespace and pool, and the
/// reaction time. Series follow the pool's life. Loop thread only.
class PoolMetrics {
 public:
  PoolMetrics(Metrics& metrics, const Clock& clock);
  void update(const std::string& ns, const std::string& pool, const PoolCounts& counts,
              ScalingLimit limit);
  void forget(const std::string& ns, const std::string& pool);
  /// From the moment that more demand was seen to a pod create that was sent for it, whatever held
  /// it up.
  void reaction(Duration d);
  void drained(Duration d);
  /// Since when a worker of the pool has drained; nothing: none does. The gauge shows its age.
  void draining_since(const std::string& ns, const std::string& pool,
                      std::optional<TimePoint> since);

 private:
  struct Series {
    std::map<std::string, Gauge> workers;
    std::map<std::string, Gauge> slots;
    std::map<ScalingLimit, Gauge> limited;
    Gauge waiting;
    Gauge oldest_drain;
    std::optional<TimePoint> draining_since;
  };
  Series& series(const std::string& ns, const std::string& pool);
  Metrics& metrics_;
  const Clock& clock_;
  Histogram reaction_;
  Histogram drained_;
  std::map<std::string, Series> pools_;
  Cancel ages_;
};

}  // namespace berth::op
