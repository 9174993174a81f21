#include "operator/removal/removal.h"

#include <algorithm>
#include <tuple>

namespace berth::op {
namespace {

using Kind = Action::Kind;

constexpr Duration kNodeGrace = std::chrono::minutes(1);
/// Between the last session's end and the kubelet's SIGKILL.
constexpr Duration kKillMargin = std::chrono::seconds(5);
/// What a worker that was told to stop needs at most, once it is idle.
constexpr Duration kTimeToExit = std::chrono::seconds(5);
/// A grace that is not worth shortening, and longer than the one that follows a retire.
constexpr Duration kShortGrace = std::chrono::seconds(15);

}  // namespace

Action make_action(Kind kind, const Worker& w, std::string why, bool with_version) {
  Action a;
  a.kind = kind;
  a.worker = w.name;
  a.uid = w.uid;
  a.resource_version = with_version ? w.resource_version : "";
  a.why = std::move(why);
  return a;
}

std::int64_t slots_used(const Worker& w) {
  if (!w.slots) {
    return 0;
  }
  const auto it = w.slots->used.find(api::kSlot);
  return it == w.slots->used.end() ? 0 : it->second;
}

std::vector<Action> delete_the_dead(const Observed& observed, TimePoint now) {
  std::vector<Action> actions;
  const Duration longest = observed.pool->worker.sessions.max_heartbeat_timeout + kNodeGrace;
  for (const Worker& w : observed.workers) {
    if (w.removing || w.deleting || w.uid.empty()) {
      continue;
    }
    const WorkerPhase phase = w.phase();
    if (w.finished) {
      actions.push_back(make_action(Kind::kDelete, w, "the pod has ended", true));
    } else if (phase == WorkerPhase::kRetired) {
      actions.push_back(make_action(Kind::kDelete, w, "the worker has retired"));
    } else if (w.node_lost && (w.silent || w.untouched())) {
      actions.push_back(make_action(Kind::kDelete, w, "its node is gone"));
    } else if (phase == WorkerPhase::kUnreadable && w.stopped_since &&
               now - *w.stopped_since > longest) {
      actions.push_back(
          make_action(Kind::kDelete, w, "its container has been down longer than any lease", true));
    }
  }
  return actions;
}

std::vector<Action> give_up(const Observed& observed, const Fleet& fleet, std::int64_t count) {
  std::vector<const Worker*> candidates;
  for (const Worker& w : observed.workers) {
    if (w.present() && !tried(observed, fleet, w) && !discarded(observed, fleet, w) &&
        (w.slots || w.untouched())) {
      candidates.push_back(&w);
    }
  }
  // Old workers are the warm ones: among equals the newest goes.
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Worker* a, const Worker* b) {
    const auto rank = [&](const Worker* w) {
      return std::tuple(must_go(observed, fleet, *w) ? 0 : 1, w->node_hinted ? 0 : 1,
                        w->slots ? 1 : 0, w->slots ? w->slots->sessions : 0, slots_used(*w));
    };
    return rank(a) != rank(b) ? rank(a) < rank(b) : a->created_at > b->created_at;
  });
  std::vector<Action> actions;
  for (const Worker* w : candidates) {
    if (static_cast<std::int64_t>(actions.size()) >= count) {
      break;
    }
    if (!w->slots) {
      actions.push_back(
          make_action(Kind::kDelete, *w, "not needed any more and never started", true));
    } else if (w->idle()) {
      actions.push_back(make_action(Kind::kRetire, *w, "not needed any more"));
    } else {
      actions.push_back(
          make_action(Kind::kCordon, *w, "not needed any more once its sessions have ended"));
    }
    actions.back().rated = true;
  }
  return actions;
}

std::vector<Action> retire_the_drained(const Observed& observed, const Fleet& fleet, bool growing) {
  std::vector<Action> actions;
  for (const Worker& w : observed.workers) {
    const WorkerPhase phase = w.phase();
    const bool drained = phase == WorkerPhase::kDraining || phase == WorkerPhase::kCordoned;
    const bool held = w.person_cordon && !w.person_drain && w.leaving.empty();
    if (!drained || w.removing || !w.idle() || held || (growing && recoverable(fleet, w))) {
      continue;
    }
    actions.push_back(make_action(Kind::kRetire, w, "its last session has ended"));
  }
  return actions;
}

std::vector<Action> obey_persons(const Observed& observed, TimePoint now) {
  std::vector<Action> actions;
  for (const Worker& w : observed.workers) {
    if (!w.held_by_person() || w.removing || !w.speaks() ||
        w.slots->state != api::WorkerState::kActive) {
      continue;
    }
    if (w.person_drain) {
      const auto step = drain_step(observed, w, now, "the pod is annotated berth.dev/drain");
      actions.insert(actions.end(), step.begin(), step.end());
    } else {
      actions.push_back(make_action(Kind::kCordon, w, "the pod is annotated berth.dev/cordon"));
    }
  }
  return actions;
}

std::vector<Action> take_back(const Observed& observed, const Fleet& fleet, std::int64_t count) {
  std::vector<const Worker*> candidates;
  for (const Worker& w : observed.workers) {
    if (recoverable(fleet, w)) {
      candidates.push_back(&w);
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Worker* a, const Worker* b) {
    return slots_used(*a) > slots_used(*b);
  });
  std::vector<Action> actions;
  for (const Worker* w : candidates) {
    if (static_cast<std::int64_t>(actions.size()) >= count) {
      break;
    }
    actions.push_back(make_action(Kind::kUncordon, *w, "needed again"));
  }
  return actions;
}

std::vector<Action> tell_deadlines(const Observed& observed, TimePoint now) {
  std::vector<Action> actions;
  for (const Worker& w : observed.workers) {
    if (!w.deleting || w.removing || w.silent || !w.slots || w.slots->sessions == 0) {
      continue;
    }
    const TimePoint deadline = std::max(now, w.delete_by - kKillMargin);
    if (!w.told || *w.told > deadline + kKillMargin) {
      Action a = make_action(Kind::kDrain, w, "its pod is being deleted");
      a.deadline = deadline;
      actions.push_back(std::move(a));
    }
  }
  return actions;
}

DeafWorkers retire_the_deaf(const Observed& observed, TimePoint now, History& history) {
  DeafWorkers r;
  std::map<std::string, TimePoint> idle;
  for (const Worker& w : observed.workers) {
    const bool answers = w.idle() && !w.silent && !w.finished && !w.removing;
    if (!w.deleting || !answers || w.delete_by - now <= kShortGrace) {
      continue;
    }
    const auto known = history.idle_deleted.find(w.uid);
    const TimePoint since = known == history.idle_deleted.end() ? now : known->second;
    idle[w.uid] = since;
    if (now - since >= kTimeToExit) {
      r.actions.push_back(
          make_action(Kind::kRetire, w, "it has not heard that its pod is deleted"));
    } else {
      r.wake_at = sooner<TimePoint>(r.wake_at, since + kTimeToExit);
    }
  }
  history.idle_deleted = std::move(idle);
  return r;
}

std::vector<Action> drain_step(const Observed& observed, const Worker& w, TimePoint now,
                               const std::string& why) {
  const WorkerPhase phase = w.phase();
  const bool can_change = phase == WorkerPhase::kAdmitting || phase == WorkerPhase::kCordoned;
  const bool active = w.slots && w.slots->state == api::WorkerState::kActive;
  if (w.removing || !can_change || !w.speaks()) {
    return {};
  }
  if (w.idle()) {
    return {make_action(Kind::kRetire, w, why)};
  }
  if (observed.pool->drain.policy == api::DrainPolicy::kEnd) {
    Action a = make_action(Kind::kDrain, w, why);
    a.deadline = now + observed.pool->drain.timeout;
    return {a};
  }
  return active ? std::vector<Action>{make_action(Kind::kCordon, w, why)} : std::vector<Action>{};
}

}  // namespace berth::op
