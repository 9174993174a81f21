#pragma once

#include <cstdint>

#include "berth/api/session_pool.h"

namespace berth::op {

/// rollout.maxSurge of `workers`: a share is rounded up and at least 1.
std::int64_t max_surge(const api::SessionPool& pool, std::int64_t workers);

/// rollout.maxUnavailable of `workers`: a share is rounded down, but where there is no surge to 1
/// at least, or nothing would ever be replaced. Deployments do the same.
std::int64_t max_unavailable(const api::SessionPool& pool, std::int64_t workers);

}  // namespace berth::op
