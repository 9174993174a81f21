#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"
#include "operator/rollout/fleet.h"
#include "operator/scaling/autoscaler.h"

namespace berth::op {

/// What a replacement of workers needs in this round, besides what scaling decided.
struct Replacement {
  std::int64_t take_back = 0;   ///< Cordons of ours to take back, as many as there are.
  std::int64_t create = 0;      ///< Workers of the revision that grows, less what is taken back.
  std::int64_t trial = 0;       ///< Workers of the pool's revision while that is on trial.
  std::vector<Action> actions;  ///< Workers that go.
  std::optional<TimePoint> wake_at;  ///< When a hold on creating ends.
};

/// Replaces workers of other revisions and workers whose node goes, never below the number that
/// scaling wants (`scaling.target`), less maxUnavailable:
///   - new workers come on top, up to maxSurge, as far as scaling leaves room
///   - as they admit sessions, old ones are drained: leaving nodes first, then the emptiest
///   - workers of another revision that no session can have reached are deleted at once
///   - cordons of ours on the pool's own revision are taken back instead of creating (rollback)
///   - while the pool's revision is on trial at most maxSurge workers of it are made, and no
///   working
///     one goes for them; where maxSurge is 0, maxUnavailable ones go, once
/// Counts those in `history`.
Replacement replace_workers(const Observed& observed, const Fleet& fleet,
                            const ScalingDecision& scaling, TimePoint now, History& history);

/// How a rollout stands, for the condition Progressing. Empty reason: none is under way.
struct RolloutState {
  std::string reason;  ///< "RollingOut" or "NewRevisionFailing".
  std::string message;
};
RolloutState rollout_state(const Observed& observed, const Fleet& fleet, const History& history);

}  // namespace berth::op
