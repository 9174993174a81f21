#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/model/observed.h"
#include "operator/rollout/fleet.h"
#include "operator/scaling/scaling_limit.h"

namespace berth::op {

/// The sums that scaling looks at.
struct Load {
  std::int64_t used = 0;      ///< Slots used on workers that admit or are starting.
  std::int64_t used_all = 0;  ///< On all workers.
  std::int64_t waiting = 0;   ///< The impossible ones included.
  std::int64_t buffer = 0;    ///< Free slots to keep.
  std::int64_t present = 0;   ///< Workers that admit, or will when started.
  std::int64_t leaving = 0;   ///< Cordoned, draining, retired, unreadable or terminating: on top.
  std::int64_t trial = 0;     ///< Workers of a revision on trial: on top as well.
  /// Of `present`, those that a replacement has put on top for a while; below 0: taken away.
  std::int64_t surplus = 0;
  std::int64_t recoverable = 0;  ///< Of those, cordoned by us: can be taken back.
};

struct ScalingDecision {
  Load load;
  std::int64_t want = 0;    ///< Workers that would serve the load, within minimum and maximum.
  std::int64_t create = 0;  ///< Workers to add now (by uncordoning first).
  std::int64_t short_by =
      0;  ///< Workers that are missing: `create`, and those that a rule holds back.
  std::int64_t remove = 0;  ///< Workers to give up now.
  std::int64_t target = 0;  ///< What the pool is on its way to: status.workers.desired.
  std::int64_t room = 0;    ///< Pods that may still be made besides `create`: the hard limit.
  ScalingLimit limit = ScalingLimit::kNone;
  std::string sentence;              ///< For people: what was decided and why.
  std::optional<TimePoint> wake_at;  ///< When time alone may change the answer.
  std::int64_t impossible = 0;  ///< Waiting sessions that no worker of this pool could ever hold.
};

/// Decides. Updates `history` (wants, idle_since, target); the caller records creates and removals
/// when it acts.
///
///   buffer  = freeSlots, or ceil((used + waiting) * 100 / (100 - p)) - (used + waiting); 0 once
///   nothing has been used
///             or waiting for scaleToZeroAfter (and from the first moment in a pool that never had
///             a worker)
///   want    = workers for used + waiting + buffer by first fit, clamped to minWorkers..maxWorkers
///   up      = at once, within maxWorkersPerMinute, room under maxWorkers + maxSurge, and the holds
///             of holds.h
///   down    = to the highest want of the window, if outside the tolerance, within the rate, and
///             the rest still has room for waiting + buffer as it is really spread
///
/// `spec.workers` set: exactly that many, without any of these but the holds on creating.
///
/// During a replacement (rollout/) surplus workers count as room but not towards the number wanted,
/// and workers on trial count as neither.
ScalingDecision autoscale(const Observed& observed, const Fleet& fleet, TimePoint now,
                          History& history);

/// What a new worker of this pool offers, the slot included.
api::Resources fresh_capacity(const api::SessionPool& pool);

}  // namespace berth::op
