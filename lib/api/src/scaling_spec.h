#pragma once

#include <string>

#include "berth/api/session_pool.h"

/// The parts of a SessionPool's spec that tell how many workers there are and how they come and go.
namespace berth::api {

Result<ScalingSpec> parse_scaling(const Json& object, const std::string& path);
Result<DrainSpec> parse_drain(const Json& object, const std::string& path);
Result<RolloutSpec> parse_rollout(const Json& object, const std::string& path);
/// Names are unique; `minWorkers` is at most the pool's maxWorkers.
Result<std::vector<ScheduleSpec>> parse_schedules(const Json& array, const std::string& path,
                                                  std::int64_t max_workers);

}  // namespace berth::api
