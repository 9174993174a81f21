#pragma once

#include <map>
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
  explicit PoolMetrics(Metrics& metrics);
  void update(const std::string& ns, const std::string& pool, const PoolCounts& counts,
              ScalingLimit limit);
  void forget(const std::string& ns, const std::string& pool);
  /// From the moment that more demand was seen to a pod create that was sent for it.
  void reaction(Duration d);

 private:
  struct Series {
    std::map<std::string, Gauge> workers;
    std::map<std::string, Gauge> slots;
    std::map<ScalingLimit, Gauge> limited;
    Gauge waiting;
  };
  Series& series(const std::string& ns, const std::string& pool);
  Metrics& metrics_;
  Histogram reaction_;
  std::map<std::string, Series> pools_;
};

}  // namespace berth::op
