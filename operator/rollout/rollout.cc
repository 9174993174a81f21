#include "operator/rollout/rollout.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "operator/removal/removal.h"
#include "operator/rollout/surge.h"
#include "operator/scaling/holds.h"

namespace berth::op {
namespace {

using Kind = Action::Kind;

class Replacer {
 public:
  Replacer(const Observed& observed, const Fleet& fleet, const ScalingDecision& scaling,
           TimePoint now, History& history)
      : o_(observed),
        fleet_(fleet),
        scaling_(scaling),
        now_(now),
        history_(history),
        target_(scaling.target),
        surge_(max_surge(*observed.pool, target_)),
        unavailable_(max_unavailable(*observed.pool, target_)),
        room_(scaling.room) {}

  Replacement run() {
    delete_untouched();
    count_workers();
    if (scaling_.remove > 0) {
      return std::move(r_);  // Those go first; what is left to do is seen when they have gone.
    }
    make_new_workers();
    drain_old_workers();
    if (fleet_.on_trial) {
      try_new_revision();
    }
    return std::move(r_);
  }

 private:
  void delete_untouched() {
    for (const Worker& w : o_.workers) {
      if (discarded(o_, fleet_, w)) {
        r_.actions.push_back(
            make_action(Kind::kDelete, w, "of an earlier revision and never served", true));
      }
    }
  }

  void count_workers() {
    for (const Worker& w : o_.workers) {
      if (!w.present() || discarded(o_, fleet_, w)) {
        continue;
      }
      if (tried(o_, fleet_, w)) {
        ++trial_;
        continue;
      }
      ++present_;
      good_ += must_go(o_, fleet_, w) ? 0 : 1;
      admitting_ += w.speaks() ? 1 : 0;
    }
  }

  std::int64_t held(std::int64_t wanted, const std::string& revision) {
    wanted = std::min(wanted, room_);
    const auto hold = creation_hold(o_, history_, revision, now_);
    if (hold && hold->room < wanted) {
      wanted = hold->room;
      r_.wake_at = sooner(r_.wake_at, hold->until);
    }
    wanted = std::max<std::int64_t>(0, wanted);
    room_ -= wanted;
    return wanted;
  }

  void make_new_workers() {
    const std::int64_t need = target_ - scaling_.create - good_;
    if (need > 0 && fleet_.replacing) {
      r_.take_back = need;
      r_.create = held(std::min(need, target_ + surge_ - present_ - scaling_.create), fleet_.grow);
    }
  }

  void drain_old_workers() {
    const auto goes = [&](const Worker& w) { return must_go(o_, fleet_, w); };
    drain(admitting_ - (target_ - unavailable_), goes);
  }

  void try_new_revision() {
    if (!o_.refusal.empty()) {
      return;  // Nobody goes for a pod that cannot be made.
    }
    if (surge_ == 0) {
      // No second batch before the first new workers have spoken.
      const std::int64_t most =
          std::min(admitting_ - (target_ - unavailable_), unavailable_ - history_.trial_victims);
      history_.trial_victims += drain(most, [](const Worker&) { return true; });
    }
    const std::int64_t most = std::min(target_, std::max(surge_, history_.trial_victims));
    r_.trial = held(most - trial_, o_.revision);
  }

  template <class Which>
  std::int64_t drain(std::int64_t most, const Which& which) {
    std::vector<const Worker*> old;
    for (const Worker& w : o_.workers) {
      if (w.present() && w.speaks() && !tried(o_, fleet_, w) && which(w)) {
        old.push_back(&w);
      }
    }
    std::stable_sort(old.begin(), old.end(), [](const Worker* a, const Worker* b) {
      const auto rank = [](const Worker* w) {
        return std::tuple(w->leaving.empty() ? 1 : 0, w->slots->sessions, slots_used(*w));
      };
      return rank(a) < rank(b);
    });
    std::int64_t drained = 0;
    for (const Worker* w : old) {
      if (drained >= most) {
        break;
      }
      ++drained;
      const std::string why = w->leaving.empty() ? "a newer revision replaces it" : w->leaving;
      auto steps = drain_step(o_, *w, now_, why);
      r_.actions.insert(r_.actions.end(), std::make_move_iterator(steps.begin()),
                        std::make_move_iterator(steps.end()));
    }
    return drained;
  }

  const Observed& o_;
  const Fleet& fleet_;
  const ScalingDecision& scaling_;
  const TimePoint now_;
  History& history_;
  const std::int64_t target_;
  const std::int64_t surge_;
  const std::int64_t unavailable_;
  std::int64_t room_;
  std::int64_t present_ = 0;    ///< Without those on trial.
  std::int64_t good_ = 0;       ///< Of these, the ones that stay.
  std::int64_t admitting_ = 0;  ///< Of these, the ones that speak.
  std::int64_t trial_ = 0;
  Replacement r_;
};

}  // namespace

Replacement replace_workers(const Observed& observed, const Fleet& fleet,
                            const ScalingDecision& scaling, TimePoint now, History& history) {
  if (!fleet.replacing && !fleet.on_trial) {
    return {};
  }
  return Replacer(observed, fleet, scaling, now, history).run();
}

RolloutState rollout_state(const Observed& observed, const Fleet& fleet, const History& history) {
  std::int64_t updated = 0;
  std::int64_t old = 0;
  std::string trouble;
  for (const Worker& w : observed.workers) {
    if (w.finished || w.deleting) {
      continue;
    }
    if (w.revision != observed.revision) {
      ++old;
      continue;
    }
    ++updated;
    if (!w.trouble.empty()) {
      trouble = w.name + ": " + w.trouble;
    } else if (w.unschedulable) {
      trouble = w.name + ": no node has room for it";
    }
  }
  if (old == 0) {
    return {};
  }
  if (trouble.empty()) {
    trouble = observed.refusal;
  }
  if (const auto failed = history.failures.find(observed.revision);
      trouble.empty() && failed != history.failures.end()) {
    trouble = std::to_string(failed->second.in_a_row) + " pods in a row have failed";
  }
  const std::string counts = std::to_string(updated) + " of " + std::to_string(updated + old) +
                             " workers are of revision " + observed.revision;
  if (history.proven != observed.revision && !trouble.empty()) {
    return {"NewRevisionFailing",
            counts + "; " + trouble +
                (fleet.on_trial ? "; revision " + fleet.grow + " keeps serving" : "")};
  }
  return {"RollingOut", counts};
}

}  // namespace berth::op
