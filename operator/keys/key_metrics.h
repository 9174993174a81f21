#pragma once

#include <map>

#include "berth/observe/metrics.h"
#include "operator/keys/plan_keys.h"

namespace berth::op {

/// berth_operator_key_phase{key,phase} and berth_operator_key_waiting{key}. Loop thread only.
class KeyMetrics {
 public:
  explicit KeyMetrics(Metrics& metrics);
  void update(const std::map<KeyKind, KeyStatus>& status);

 private:
  std::map<std::pair<KeyKind, KeyPhase>, Gauge> phases_;
  std::map<KeyKind, Gauge> waiting_;
};

}  // namespace berth::op
