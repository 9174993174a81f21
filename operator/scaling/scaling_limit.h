#pragma once

#include <string_view>

namespace berth::op {

/// Which rule had the last word on the number of workers. Text for status and metric: to_string.
enum class ScalingLimit {
  kNone,  ///< The number wanted is the number there is or will be.
  kMinWorkers,
  kSchedule,  ///< An active schedule's minimum.
  kMaxWorkers,
  kMaxSurge,  ///< Workers that are leaving still take the room.
  kUpRate,
  kDownRate,
  kStabilization,  ///< The highest want of the window holds.
  kTolerance,
  kWarmUp,         ///< The operator has not watched for a full window yet.
  kNoData,         ///< A gateway cannot be read.
  kUnschedulable,  ///< Too many pods find no node.
  kFailures,       ///< New pods keep failing.
  kPaused,
};
std::string_view to_string(ScalingLimit limit);

}  // namespace berth::op
