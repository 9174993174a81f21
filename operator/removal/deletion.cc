#include "operator/removal/deletion.h"

#include <iterator>

#include "operator/removal/removal.h"

namespace berth::op {
namespace {

using Kind = Action::Kind;

const std::string kWhy = "its pool is being deleted";

std::vector<Action> end_now(const Worker& w, TimePoint now) {
  if (!w.speaks()) {
    return {make_action(Kind::kDelete, w, "a person forced the deletion of its pool")};
  }
  if (w.idle()) {
    return {make_action(Kind::kRetire, w, kWhy)};
  }
  if (w.told && *w.told <= now) {
    return {};
  }
  Action a = make_action(Kind::kDrain, w, "a person forced the deletion of its pool");
  a.deadline = now;
  return {a};
}

std::vector<Action> step(const Observed& observed, const Worker& w, TimePoint now) {
  if (w.removing || w.deleting || w.uid.empty()) {
    return {};
  }
  if (w.untouched()) {
    return {make_action(Kind::kDelete, w, kWhy + " and it never served", true)};
  }
  if (observed.pool->force_delete) {
    return end_now(w, now);
  }
  if (w.phase() == WorkerPhase::kDraining && w.idle()) {
    return {make_action(Kind::kRetire, w, kWhy)};
  }
  return drain_step(observed, w, now, kWhy);
}

std::string describe(const Observed& observed, std::int64_t sessions, std::int64_t unreadable) {
  std::string text = "waiting for " + std::to_string(sessions) +
                     (sessions == 1 ? " session" : " sessions") + " on " +
                     std::to_string(observed.workers.size()) +
                     (observed.workers.size() == 1 ? " worker" : " workers");
  if (unreadable > 0) {
    text += ", " + std::to_string(unreadable) + " of which cannot be read";
  }
  if (observed.pool->force_delete) {
    return text + " to be ended by force";
  }
  text += " to end";
  if (observed.pool->drain.policy == api::DrainPolicy::kEnd) {
    text += ", at the latest at the drain deadline";
  } else {
    text += "; spec.drain.policy: End bounds the wait";
  }
  return text + "; the annotation " + api::kForceDeleteAnnotation +
         "=true on the pool ends them now";
}

}  // namespace

Deletion delete_pool(const Observed& observed, TimePoint now) {
  Deletion d;
  std::set<std::string> dead;
  d.actions = delete_the_dead(observed, now);
  for (const Action& a : d.actions) {
    dead.insert(a.uid);
  }
  bool all_going = true;
  std::int64_t unreadable = 0;
  for (const Worker& w : observed.workers) {
    all_going &= w.deleting;
    d.sessions += w.slots ? w.slots->sessions : 0;
    unreadable += w.phase() == WorkerPhase::kUnreadable ? 1 : 0;
    if (!dead.contains(w.uid)) {
      auto more = step(observed, w, now);
      d.actions.insert(d.actions.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
    }
  }
  d.done = observed.workers.empty() || (observed.pool->force_delete && all_going);
  if (!d.done) {
    d.waits_for = describe(observed, d.sessions, unreadable);
  }
  return d;
}

}  // namespace berth::op
