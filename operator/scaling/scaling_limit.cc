#include "operator/scaling/scaling_limit.h"

namespace berth::op {

std::string_view to_string(ScalingLimit limit) {
  switch (limit) {
    case ScalingLimit::kNone:
      return "None";
    case ScalingLimit::kMinWorkers:
      return "MinWorkers";
    case ScalingLimit::kSchedule:
      return "Schedule";
    case ScalingLimit::kMaxWorkers:
      return "MaxWorkers";
    case ScalingLimit::kMaxSurge:
      return "MaxSurge";
    case ScalingLimit::kUpRate:
      return "ScaleUpRate";
    case ScalingLimit::kDownRate:
      return "ScaleDownRate";
    case ScalingLimit::kStabilization:
      return "StabilizationWindow";
    case ScalingLimit::kTolerance:
      return "Tolerance";
    case ScalingLimit::kWarmUp:
      return "OperatorJustStarted";
    case ScalingLimit::kNoData:
      return "GatewayUnreadable";
    case ScalingLimit::kUnschedulable:
      return "UnschedulablePods";
    case ScalingLimit::kFailures:
      return "FailingPods";
    case ScalingLimit::kPaused:
      return "Paused";
  }
  return "None";
}

}  // namespace berth::op
