#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"
#include "operator/removal/deletion.h"
#include "operator/rollout/rollout.h"
#include "operator/scaling/autoscaler.h"

namespace berth::op {

/// Something that people should hear of, once.
struct Notice {
  std::string reason;
  std::string message;
  bool warning = false;
};

struct Plan {
  std::vector<Action> actions;  ///< In the order to be done.
  std::vector<Notice> notices;
  ScalingDecision scaling;
  RolloutState rollout;
  std::optional<Deletion> deletion;  ///< Only for a pool that is being deleted.
  History history;  ///< To be kept for the next plan; creates and removals are added when they are
                    ///< really started.
  std::optional<TimePoint> wake_at;  ///< Plan again then, even if nothing happens.
};

/// Pure and total. Promises, tested against random traces (tests/property/plan_property_test.cc):
///   - an admitting, cordoned, draining or unreadable worker is never deleted, except by the rules
///   (a) to (d)
///   - without readable demand no worker is given up for scale-down
///   - never more than maxWorkers + maxSurge in all
///   - with the same observations, time alone leads to rest: no plan undoes the last one
Plan plan(const Observed& observed, TimePoint now);

}  // namespace berth::op
