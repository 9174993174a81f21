#include "operator/plan/plan.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "operator/removal/removal.h"
#include "operator/rollout/fleet.h"
#include "operator/scaling/holds.h"

namespace berth::op {
namespace {

void append(std::vector<Action>& to, std::vector<Action> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Several rules may name a worker; the first is the one that counts.
void one_step_a_worker(std::vector<Action>& actions) {
  std::set<std::string> seen;
  std::erase_if(actions, [&](const Action& a) { return !seen.insert(a.worker).second; });
}

// `kubectl drain` asks for an eviction again every five seconds, by name alone: if it met a
// successor of that name, elsewhere and refused by the pool's budget, it would never end.
constexpr Duration kNameRests = std::chrono::seconds(30);

void note_leaving(const Observed& observed, TimePoint now, History& history) {
  std::erase_if(history.resting_names,
                [now](const auto& n) { return now - n.second >= kNameRests; });
  for (const Worker& w : observed.workers) {
    if (!w.leaving.empty()) {
      history.resting_names[w.name] = now;
    }
  }
}

// The pool's name and the smallest free number: a second creator, or one with a stale view,
// collides with the first instead of adding to it.
class Names {
 public:
  Names(const Observed& observed, const History& history)
      : prefix_(observed.pool->name + "-"), taken_(history.taken_names) {
    for (const Worker& w : observed.workers) {
      taken_.insert(w.name);
    }
    for (const auto& [name, last_seen] : history.resting_names) {
      taken_.insert(name);
    }
  }
  std::string next() {
    std::string name;
    do {
      name = prefix_ + std::to_string(number_++);
    } while (taken_.contains(name));
    return name;
  }

 private:
  std::string prefix_;
  std::set<std::string> taken_;
  std::int64_t number_ = 0;
};

std::vector<Action> create(Names& names, std::int64_t count, const std::string& revision,
                           bool rated, const std::string& why) {
  std::vector<Action> actions;
  for (std::int64_t i = 0; i < count; ++i) {
    Action a;
    a.kind = Action::Kind::kCreate;
    a.worker = names.next();
    a.why = why;
    a.revision = revision;
    a.rated = rated;
    actions.push_back(std::move(a));
  }
  return actions;
}

// Cordons of ours are taken back before pods are made, for scaling first.
std::vector<Action> grow(const Observed& observed, const Fleet& fleet,
                         const ScalingDecision& scaling, const Replacement& replacement,
                         const History& history) {
  std::vector<Action> actions = take_back(observed, fleet, scaling.create + replacement.take_back);
  const auto taken = static_cast<std::int64_t>(actions.size());
  const std::int64_t more = std::max<std::int64_t>(0, scaling.create - taken);
  const std::int64_t instead = std::max<std::int64_t>(0, taken - scaling.create);
  Names names(observed, history);
  append(actions, create(names, more, fleet.grow, true, "more slots are wanted"));
  append(actions, create(names, std::max<std::int64_t>(0, replacement.create - instead), fleet.grow,
                         false, "replaces a worker"));
  append(actions,
         create(names, replacement.trial, observed.revision, false, "tries the new revision"));
  return actions;
}

void note_rollout(const Observed& observed, Plan& p) {
  std::string& rolling_to = p.history.rolling_to;
  if (p.rollout.reason.empty()) {
    if (!rolling_to.empty()) {
      p.notices.push_back({"RolloutFinished", "all workers are of revision " + rolling_to});
      rolling_to.clear();
    }
  } else if (rolling_to != observed.revision) {
    rolling_to = observed.revision;
    p.notices.push_back({"RolloutStarted", p.rollout.message});
  }
}

void act_on_deaf_workers(const Observed& observed, TimePoint now, Plan& p) {
  DeafWorkers deaf = retire_the_deaf(observed, now, p.history);
  append(p.actions, std::move(deaf.actions));
  p.wake_at = sooner(p.wake_at, deaf.wake_at);
}

void plan_deletion(const Observed& observed, TimePoint now, Plan& p) {
  p.deletion = delete_pool(observed, now);
  p.actions = p.deletion->actions;
  p.scaling.sentence = "being deleted";
  if (!p.deletion->done) {
    p.scaling.sentence += ", " + p.deletion->waits_for;
  }
  append(p.actions, tell_deadlines(observed, now));
  act_on_deaf_workers(observed, now, p);
}

}  // namespace

Plan plan(const Observed& observed, TimePoint now) {
  Plan p;
  p.history = observed.history;
  if (observed.pool->deleting) {
    plan_deletion(observed, now, p);
    return p;
  }
  count_failures(observed, now, p.history);
  note_leaving(observed, now, p.history);
  const Fleet fleet = survey(observed, p.history);
  p.scaling = autoscale(observed, fleet, now, p.history);
  p.wake_at = p.scaling.wake_at;
  const Replacement replacement = replace_workers(observed, fleet, p.scaling, now, p.history);
  p.wake_at = sooner(p.wake_at, replacement.wake_at);
  p.rollout = rollout_state(observed, fleet, p.history);
  note_rollout(observed, p);

  append(p.actions, delete_the_dead(observed, now));
  append(p.actions, tell_deadlines(observed, now));
  act_on_deaf_workers(observed, now, p);
  append(p.actions, obey_persons(observed, now));
  const bool growing = p.scaling.create > 0 || replacement.take_back > 0;
  if (growing || replacement.trial > 0) {
    append(p.actions, grow(observed, fleet, p.scaling, replacement, p.history));
  } else {
    append(p.actions, give_up(observed, fleet, p.scaling.remove));
  }
  append(p.actions, retire_the_drained(observed, fleet, growing || observed.pool->scaling.paused));
  append(p.actions, replacement.actions);
  one_step_a_worker(p.actions);
  return p;
}

}  // namespace berth::op
