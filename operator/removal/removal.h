#pragma once

#include <optional>
#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"
#include "operator/rollout/fleet.h"

namespace berth::op {

/// Pods in which no session can be, to be deleted without asking:
///   (a) phase Failed or Succeeded
///   (c) the worker is silent, or never started, and its node is gone or tainted out-of-service
///   (d) the worker is silent, and a kubelet that still heartbeats has said for longer than the
///       longest heartbeat timeout and a minute that the container is not running: every session
///       there has lost its lease. The minute covers the time that a node counts as Ready after its
///       kubelet's last word (the node controller's grace is 40 to 50 s).
///   retired workers
/// (a) and (d) carry the resourceVersion too, so that a pod which came back meanwhile is spared.
std::vector<Action> delete_the_dead(const Observed& observed, TimePoint now);

/// The steps for `count` workers fewer: first those that must go anyway, then those on nodes that
/// may be removed soon, then what never started, then the emptiest, then the newest. Delete what no
/// session can ever have reached (b, with the resourceVersion), retire what is idle, cordon what is
/// in use. Started workers that have not spoken yet are left alone, and so are those on trial.
std::vector<Action> give_up(const Observed& observed, const Fleet& fleet, std::int64_t count);

/// Retires workers that have drained and that nobody will take back. While the pool grows
/// (`growing`) those of scale-down are spared: they are taken back first. A person's cordon stays,
/// unless its node goes.
std::vector<Action> retire_the_drained(const Observed& observed, const Fleet& fleet, bool growing);

/// Cordons what a person asked for by annotation.
std::vector<Action> obey_persons(const Observed& observed, TimePoint now);

/// Takes back up to `count` cordons of ours, fullest first: cheaper and faster than a new pod.
std::vector<Action> take_back(const Observed& observed, const Fleet& fleet, std::int64_t count);

/// Tells workers whose pod is being deleted by somebody else, with sessions open, when the kubelet
/// will kill them: a grace that was shortened cannot be seen from inside.
std::vector<Action> tell_deadlines(const Observed& observed, TimePoint now);

struct DeafWorkers {
  std::vector<Action> actions;
  std::optional<TimePoint> wake_at;  ///< When to look again.
};

/// Retires idle workers that have not heard that their pod is being deleted: SIGTERM reached the
/// first process of the container before it listened, and such a process ignores what it does not
/// listen for. Nobody says it again, and the pod would stay for its whole grace; retired, it exits
/// by itself. Who has heard it exits once it is idle; that is why a few seconds pass first.
DeafWorkers retire_the_deaf(const Observed& observed, TimePoint now, History& history);

/// The step that empties one worker for good by the pool's drain policy: retire when idle, else
/// cordon (`Wait`) or drain with the deadline (`End`). Nothing if it is on its way already.
std::vector<Action> drain_step(const Observed& observed, const Worker& worker, TimePoint now,
                               const std::string& why);

Action make_action(Action::Kind kind, const Worker& worker, std::string why,
                   bool with_version = false);
/// Slots used, 0 for a worker that has not spoken.
std::int64_t slots_used(const Worker& worker);

}  // namespace berth::op
