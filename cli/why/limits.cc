#include "cli/why/limits.h"

#include <algorithm>
#include <iterator>

namespace berth::cli {
namespace {

constexpr LimitWords kLimits[] = {
    {"MinWorkers", "fewer would do, but scaling.minWorkers keeps this many", ""},
    {"Schedule", "fewer would do, but a schedule keeps this many", ""},
    {"MaxWorkers", "more are needed than scaling.maxWorkers allows",
     "raise scaling.maxWorkers, or wait for sessions to end"},
    {"MaxSurge", "workers that are leaving still take up the room of new ones",
     "`berth sessions POOL` shows what they wait for; rollout.maxSurge gives more room"},
    {"ScaleUpRate", "scaling.scaleUp.maxWorkersPerMinute lets no more through this minute", ""},
    {"ScaleDownRate", "scaling.scaleDown.maxWorkersPerMinute lets no more go this minute", ""},
    {"StabilizationWindow",
     "more were wanted within scaling.scaleDown.stabilizationWindow, so nobody goes yet", ""},
    {"Tolerance", "the surplus is within scaling.tolerance", ""},
    {"OperatorJustStarted",
     "the operator has not watched for one whole scaling.scaleDown.stabilizationWindow yet", ""},
    {"GatewayUnreadable", "a gateway does not answer: without data no worker is given up",
     "see to the gateways"},
    {"UnschedulablePods", "pods of this pool find no node, so only a few more are made",
     "`kubectl describe pod` of a Pending worker says what the nodes lack"},
    {"FailingPods", "new workers keep failing; the next try comes after a pause",
     "the condition Degraded and the workers' logs say why"},
    {"Paused", "scaling.paused is set: neither up nor down", "set scaling.paused to false"},
};

}  // namespace

const LimitWords* limit_words(std::string_view limit) {
  const auto* const it =
      std::find_if(std::begin(kLimits), std::end(kLimits),
                   [limit](const LimitWords& words) { return words.limit == limit; });
  return it == std::end(kLimits) ? nullptr : it;
}

}  // namespace berth::cli
