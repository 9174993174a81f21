#pragma once

#include <cstdint>
#include <optional>

#include "operator/model/observed.h"
#include "operator/scaling/scaling_limit.h"

namespace berth::op {

/// Why no, or few, new pods of a revision should be made now.
struct Hold {
  std::int64_t room = 0;  ///< Pods that may be made all the same.
  ScalingLimit why = ScalingLimit::kNone;
  std::optional<TimePoint> until;  ///< When time lifts it.
};

/// The stricter of two, each counted for `revision` alone, so that a broken one does not hold up a
/// working one:
///   - pods that find no node: at most max(5, 25 % of the workers) at once. Cluster autoscalers
///   grow
///     from a few of them; many only make them slow.
///   - pods that failed in a row: 1 s, doubling to 5 min, from the last failure.
/// Nothing: no hold.
std::optional<Hold> creation_hold(const Observed& observed, const History& history,
                                  const std::string& revision, TimePoint now);

/// Counts failed pods of each revision; one that became ready after its revision's last failure
/// ends the row. Updates `history`.
void count_failures(const Observed& observed, TimePoint now, History& history);

}  // namespace berth::op
