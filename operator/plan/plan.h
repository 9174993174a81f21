#pragma once

#include <optional>
#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"
#include "operator/scaling/autoscaler.h"

namespace berth::op {

struct Plan {
  std::vector<Action> actions;  ///< In the order to be done.
  ScalingDecision scaling;
  History history;  ///< To be kept for the next plan; creates and removals are added when they are
                    ///< really started.
  std::optional<TimePoint> wake_at;  ///< Plan again then, even if nothing happens.
};

/// Pure and total. Promises, tested against random traces (tests/property/plan_property.cc):
///   - an admitting, cordoned, draining or unreadable worker is never deleted, except by the rules
///   (a) to (d)
///   - without readable demand no worker is given up
///   - never more than maxWorkers that take sessions, nor maxWorkers + surge in all
///   - with the same observations, time alone leads to rest: no plan undoes the last one
Plan plan(const Observed& observed, TimePoint now);

}  // namespace berth::op
