#include "operator/plan/plan.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "operator/removal/removal.h"

namespace berth::op {
namespace {

void append(std::vector<Action>& to, std::vector<Action> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Failures in a row hold creates back; one that became ready after the last failure ends the row.
void count_failures(const Observed& observed, TimePoint now, History& history) {
  std::set<std::string> still_there;
  for (const Worker& w : observed.workers) {
    if (w.finished) {
      still_there.insert(w.uid);
      if (!history.failed_uids.contains(w.uid)) {
        ++history.failures;
        history.last_failure = now;
      }
    } else if (w.ready && w.created_at > history.last_failure) {
      history.failures = 0;
    }
  }
  history.failed_uids = std::move(still_there);
}

// The pool's name and the smallest free number: a second creator, or one with a stale view,
// collides with the first instead of adding to it.
std::vector<Action> create(const Observed& observed, std::int64_t count) {
  std::set<std::string> taken = observed.history.taken_names;
  for (const Worker& w : observed.workers) {
    taken.insert(w.name);
  }
  std::vector<Action> actions;
  for (std::int64_t number = 0; static_cast<std::int64_t>(actions.size()) < count; ++number) {
    std::string name = observed.pool.name + "-" + std::to_string(number);
    if (!taken.contains(name)) {
      actions.push_back({Action::Kind::kCreate, std::move(name), "", "", "more slots are wanted"});
    }
  }
  return actions;
}

}  // namespace

Plan plan(const Observed& observed, TimePoint now) {
  Plan p;
  p.history = observed.history;
  if (observed.pool.deleting) {
    return p;
  }
  count_failures(observed, now, p.history);
  p.scaling = autoscale(observed, now, p.history);
  p.wake_at = p.scaling.wake_at;

  append(p.actions, delete_the_dead(observed, now));
  append(p.actions, obey_persons(observed));
  if (p.scaling.create > 0) {
    append(p.actions, take_back(observed, p.scaling.create));
    const auto taken_back = std::count_if(p.actions.begin(), p.actions.end(), [](const Action& a) {
      return a.kind == Action::Kind::kUncordon;
    });
    append(p.actions, create(observed, p.scaling.create - taken_back));
  } else {
    append(p.actions, give_up(observed, p.scaling.remove));
    if (!observed.pool.scaling.paused) {
      append(p.actions, retire_the_drained(observed));
    }
  }
  return p;
}

}  // namespace berth::op
