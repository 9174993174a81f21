#pragma once

#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"

namespace berth::op {

/// Pods in which no session can be, to be deleted without asking:
///   (a) phase Failed or Succeeded
///   (c) the node is gone or tainted out-of-service
///   (d) a kubelet that still heartbeats has said for longer than the longest heartbeat timeout
///   that the container is
///       not running: every session there has lost its lease
///   retired workers
/// (a) and (d) carry the resourceVersion too, so that a pod which came back meanwhile is spared.
std::vector<Action> delete_the_dead(const Observed& observed, TimePoint now);

/// The steps for `count` workers fewer, emptiest first: delete what never started (b, with the
/// resourceVersion), retire what is idle, cordon what is in use. Started workers that have not
/// spoken yet are left alone.
std::vector<Action> give_up(const Observed& observed, std::int64_t count);

/// Retires cordoned workers that have become idle, except those that a person cordoned.
std::vector<Action> retire_the_drained(const Observed& observed);

/// Cordons what a person asked for by annotation.
std::vector<Action> obey_persons(const Observed& observed);

/// Takes back up to `count` cordons of ours, fullest first: cheaper and faster than a new pod..
std::vector<Action> take_back(const Observed& observed, std::int64_t count);

}  // namespace berth::op
