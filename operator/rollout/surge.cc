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
  return unavailable.percent ? workers * unavailable.value / 100 : unavailable.value;
}

}  // namespace berth::op
