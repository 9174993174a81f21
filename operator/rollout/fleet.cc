#include "operator/rollout/fleet.h"

#include <map>

namespace berth::op {

namespace {

// Of the earlier revisions that serve and can be made, the one with the most workers.
std::string serving_revision(const Observed& observed) {
  std::map<std::string, int> serving;
  for (const Worker& w : observed.workers) {
    if (w.speaks() && w.phase() == WorkerPhase::kAdmitting &&
        observed.known_revisions.contains(w.revision)) {
      ++serving[w.revision];
    }
  }
  std::string found;
  int most = 0;
  for (const auto& [revision, workers] : serving) {
    if (workers > most) {
      most = workers;
      found = revision;
    }
  }
  return found;
}

}  // namespace

Fleet survey(const Observed& observed, History& history) {
  for (const Worker& w : observed.workers) {
    // Ready counts too: after a restart of the operator nobody has spoken yet.
    if (w.revision == observed.revision &&
        (w.speaks() || (w.ready && !w.deleting && !w.finished))) {
      history.proven = observed.revision;
    }
  }
  Fleet fleet;
  fleet.grow = observed.revision;
  if (history.proven != observed.revision) {
    if (std::string serving = serving_revision(observed); !serving.empty()) {
      fleet.on_trial = true;
      fleet.grow = std::move(serving);
    }
  }
  if (!fleet.on_trial) {
    history.trial_victims = 0;
  }
  for (const Worker& w : observed.workers) {
    fleet.replacing |= w.present() && must_go(observed, fleet, w);
  }
  return fleet;
}

bool must_go(const Observed& observed, const Fleet& fleet, const Worker& worker) {
  return !worker.leaving.empty() || (!fleet.on_trial && worker.revision != observed.revision);
}

bool tried(const Observed& observed, const Fleet& fleet, const Worker& worker) {
  return fleet.on_trial && worker.revision == observed.revision;
}

bool discarded(const Observed& observed, const Fleet& fleet, const Worker& worker) {
  return worker.present() && worker.untouched() && worker.revision != observed.revision &&
         worker.revision != fleet.grow;
}

bool recoverable(const Fleet& fleet, const Worker& worker) {
  const bool our_drain = worker.phase() == WorkerPhase::kDraining && worker.told &&
                         !worker.removing && !worker.held_by_person();
  return (worker.our_cordon() || our_drain) && worker.revision == fleet.grow &&
         worker.leaving.empty() && !worker.node_lost;
}

}  // namespace berth::op
