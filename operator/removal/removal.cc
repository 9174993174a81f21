#include "operator/removal/removal.h"

#include <algorithm>
#include <tuple>

namespace berth::op {
namespace {

using Kind = Action::Kind;

Action act(Kind kind, const Worker& w, std::string why, bool with_version = false) {
  return {kind, w.name, w.uid, with_version ? w.resource_version : "", std::move(why)};
}

std::int64_t slots_used(const Worker& w) {
  if (!w.slots) {
    return 0;
  }
  const auto it = w.slots->used.find(api::kSlot);
  return it == w.slots->used.end() ? 0 : it->second;
}

}  // namespace

std::vector<Action> delete_the_dead(const Observed& observed, TimePoint now) {
  std::vector<Action> actions;
  const Duration longest_lease = observed.pool.worker.sessions.max_heartbeat_timeout;
  for (const Worker& w : observed.workers) {
    if (w.removing || w.deleting || w.uid.empty()) {
      continue;
    }
    if (w.finished) {
      actions.push_back(act(Kind::kDelete, w, "the pod has ended", true));
    } else if (w.phase() == WorkerPhase::kRetired) {
      actions.push_back(act(Kind::kDelete, w, "the worker has retired"));
    } else if (w.node_lost) {
      actions.push_back(act(Kind::kDelete, w, "its node is gone"));
    } else if (w.phase() == WorkerPhase::kUnreadable && w.stopped_since &&
               now - *w.stopped_since > longest_lease) {
      actions.push_back(
          act(Kind::kDelete, w, "its container has been down longer than any lease", true));
    }
  }
  return actions;
}

std::vector<Action> give_up(const Observed& observed, std::int64_t count) {
  std::vector<const Worker*> candidates;
  for (const Worker& w : observed.workers) {
    const bool asked_for = w.uid.empty();
    if (w.present() && !asked_for && (w.slots || w.never_started)) {
      candidates.push_back(&w);
    }
  }
  // Never started, then emptiest, then newest: old workers are the warm ones.
  std::stable_sort(candidates.begin(), candidates.end(), [](const Worker* a, const Worker* b) {
    const auto rank = [](const Worker* w) {
      return std::tuple(w->slots ? 1 : 0, w->slots ? w->slots->sessions : 0, slots_used(*w));
    };
    return rank(a) != rank(b) ? rank(a) < rank(b) : a->created_at > b->created_at;
  });
  std::vector<Action> actions;
  for (const Worker* w : candidates) {
    if (static_cast<std::int64_t>(actions.size()) >= count) {
      break;
    }
    if (!w->slots) {
      actions.push_back(act(Kind::kDelete, *w, "not needed any more and never started", true));
    } else if (w->idle()) {
      actions.push_back(act(Kind::kRetire, *w, "not needed any more"));
    } else {
      actions.push_back(act(Kind::kCordon, *w, "not needed any more once its sessions have ended"));
    }
  }
  return actions;
}

std::vector<Action> retire_the_drained(const Observed& observed) {
  std::vector<Action> actions;
  for (const Worker& w : observed.workers) {
    if (w.our_cordon() && w.idle()) {
      actions.push_back(act(Kind::kRetire, w, "its last session has ended"));
    }
  }
  return actions;
}

std::vector<Action> obey_persons(const Observed& observed) {
  std::vector<Action> actions;
  for (const Worker& w : observed.workers) {
    if (w.person_cordon && !w.removing && !w.silent && !w.deleting && !w.finished && w.slots &&
        w.slots->state == api::WorkerState::kActive) {
      actions.push_back(act(Kind::kCordon, w, "the pod is annotated berth.dev/cordon"));
    }
  }
  return actions;
}

std::vector<Action> take_back(const Observed& observed, std::int64_t count) {
  std::vector<const Worker*> candidates;
  for (const Worker& w : observed.workers) {
    if (w.our_cordon() && !w.node_lost) {
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
    actions.push_back(act(Kind::kUncordon, *w, "needed again"));
  }
  return actions;
}

}  // namespace berth::op
