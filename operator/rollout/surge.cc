#include "operator/rollout/surge.h"

#include <algorithm>

namespace berth::op {

std::int64_t max_surge(const api::SessionPool& pool, std::int64_t workers) {
  const api::IntOrPercent& surge = pool.rollout.max_surge;
  if (!surge.percent || surge.value == 0) {
    return surge.value;
  }
  return std::max<std::int64_t>(1, (workers * surge.value + 99) / 100);
}

std::int64_t max_unavailable(const api::SessionPool& pool, std::int64_t workers) {
  const api::IntOrPercent& unavailable = pool.rollout.max_unavailable;
  if (!unavailable.percent || unavailable.value == 0) {
    return unavailable.value;
  }
  const std::int64_t least = workers > 0 && pool.rollout.max_surge.value == 0 ? 1 : 0;
  return std::max(least, workers * unavailable.value / 100);
}

}  // namespace berth::op
