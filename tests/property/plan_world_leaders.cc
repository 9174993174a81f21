#include <algorithm>

#include "tests/property/plan_world.h"

// What the leaders see, plan and do.
namespace berth::op {

using namespace std::chrono_literals;
using Kind = Action::Kind;

void PlanWorld::refresh(Leader& leader, const std::string& name) {
  const auto truth = workers_.find(name);
  if (truth == workers_.end()) {
    leader.view.erase(name);
    return;
  }
  const TrueWorker& t = truth->second;
  Worker& w = leader.view[name];
  if (w.uid != t.uid) {
    w = Worker();
  }
  w.name = name;
  w.uid = t.uid;
  w.resource_version = std::to_string(t.version);
  w.revision = t.revision;
  w.node = t.node;
  w.created_at = t.created_at;
  w.never_started = !t.started;
  w.never_ready = !t.ever_ready;
  w.trouble = t.broken && t.started ? "CrashLoopBackOff" : "";
  w.ready = t.serves();
  w.finished = t.finished;
  w.deleting = t.deleting;
  w.delete_by = t.delete_by;
  w.stopped_since = t.down_since;
  w.node_lost = t.node_lost;
  w.leaving = leaving_nodes_.contains(t.node) ? "node " + t.node + " is cordoned" : "";
  w.removing = false;
  if (!t.ever_ready) {
    return;
  }
  const bool reachable = t.serves() && !t.cut_off[leader.index];
  w.silent = !reachable;
  if (reachable) {
    api::Slots s;
    s.state = t.retired    ? api::WorkerState::kRetired
              : t.deleting ? api::WorkerState::kDraining
                           : t.state;
    s.capacity = {{api::kSlot, pool_->worker.sessions.max_per_worker}};
    s.used = {{api::kSlot, t.sessions}};
    s.sessions = t.sessions;
    w.slots = s;
  }
}

void PlanWorld::refresh_some(Leader& leader) {
  for (int i = below(5); i > 0; --i) {
    if (!leader.view.empty() && one_in(3)) {
      auto it = leader.view.begin();
      std::advance(it, below(static_cast<int>(leader.view.size())));
      refresh(leader, std::string(it->first));
    } else if (const TrueWorker* w = any()) {
      refresh(leader, w->name);
    }
  }
}

Observed PlanWorld::observe(const Leader& leader, bool demand_readable) const {
  Observed o;
  o.pool = pool_;
  o.revision = revision_;
  o.known_revisions = revisions_;
  o.known_revisions.erase(revision_);
  o.history = leader.history;
  o.demand.readable = demand_readable;
  for (int i = 0; i < waiting_; ++i) {
    o.demand.waiting.push_back({"w" + std::to_string(i), {}});
  }
  std::map<std::string, Worker> workers = leader.view;
  for (const Order& order : leader.orders) {  // Applier::overlay.
    const auto it = workers.find(order.action.worker);
    if (order.action.kind == Kind::kCreate && it == workers.end()) {
      Worker& w = workers[order.action.worker];
      w.name = order.action.worker;
      w.revision = order.action.revision;
      w.created_at = now_;
    } else if (order.action.kind != Kind::kCreate && it != workers.end() &&
               it->second.uid == order.action.uid) {
      it->second.removing = true;
    }
  }
  for (auto& [name, w] : workers) {
    if (const auto told = leader.told.find(w.uid); told != leader.told.end()) {
      w.told = told->second;
    }
    o.workers.push_back(std::move(w));
  }
  return o;
}

void PlanWorld::lead(Leader& leader, bool demand_readable) {
  Plan p = plan(observe(leader, demand_readable), now_);
  leader.history = std::move(p.history);
  last_actions_ = p.actions;
  std::set<std::string> named;
  for (const Action& a : p.actions) {
    if (!named.insert(a.worker).second) {
      violation("two steps for " + a.worker + " in one plan");
    }
    if (!demand_readable && a.rated && a.kind != Kind::kCreate) {
      violation("gave up " + a.worker + " without knowing the demand");
    }
    if (pool_->deleting && a.kind == Kind::kCreate) {
      violation("made " + a.worker + " for a pool that is being deleted");
    }
    leader.orders.push_back({a, 0, below(4)});
  }
}

void PlanWorld::carry_out_orders(Leader& leader) {
  std::vector<Order> later;
  for (Order& order : leader.orders) {
    if (order.steps_left-- > 0 || !carry_out(leader, order)) {
      later.push_back(order);
    }
  }
  leader.orders = std::move(later);
}

bool PlanWorld::carry_out(Leader& leader, Order& order) {
  const Action& a = order.action;
  if (a.kind == Kind::kCreate) {
    create(leader, a);
    return true;
  }
  const auto it = workers_.find(a.worker);
  if (it == workers_.end() || it->second.uid != a.uid) {
    return true;  // Another pod of that name: the uid protects it.
  }
  TrueWorker& w = it->second;
  switch (a.kind) {
    case Kind::kRetire:
      return retire(leader, w, order);
    case Kind::kDelete:
      remove(leader, w, a, w.retired);
      return true;
    default:
      turn(leader, w, a);
      return true;
  }
}

void PlanWorld::create(Leader& leader, const Action& a) {
  if (!workers_.contains(a.worker)) {
    TrueWorker w;
    w.name = a.worker;
    w.uid = "u" + std::to_string(++uids_);
    w.revision = a.revision;
    w.broken = broken_.contains(a.revision);
    w.node = "n" + std::to_string(below(4));
    w.created_at = now_;
    workers_[a.worker] = w;
    count(a.revision == revision_ ? "created" : "created of an earlier revision");
  }
  refresh(leader, a.worker);  // The answer, or the live read after a 409.
}

bool PlanWorld::retire(Leader& leader, TrueWorker& w, Order& order) {
  if (order.stage == 0 && (!w.serves() || w.cut_off[leader.index])) {
    return true;  // No answer.
  }
  if (retire_by_ == RetireBy::kCompareAndSwap) {
    if (order.stage == 0) {
      if (w.sessions > 0) {
        count("retire refused");
        return true;
      }
      w.retired = true;
      order.stage = 1;
      order.steps_left = below(5);
      return false;
    }
    remove(leader, w, order.action, true);
    return true;
  }
  if (order.stage < 2) {
    if (w.sessions > 0) {
      return true;
    }
    if (order.stage == 0 && leader.epoch >= w.epoch) {
      w.epoch = leader.epoch;
      w.state = api::WorkerState::kCordoned;
    }
    ++order.stage;
    order.steps_left = below(5);
    return false;
  }
  remove(leader, w, order.action, true);
  return true;
}

void PlanWorld::turn(Leader& leader, TrueWorker& w, const Action& a) {
  if (!w.serves() || w.cut_off[leader.index] || leader.epoch < w.epoch) {
    return;
  }
  w.epoch = leader.epoch;
  if (a.kind == Kind::kUncordon) {
    if (!w.retired) {
      w.state = api::WorkerState::kActive;
      w.drain_deadline.reset();
      leader.told.erase(w.uid);
      count("taken back");
    }
    return;
  }
  if (a.kind == Kind::kDrain) {
    w.state = api::WorkerState::kDraining;
    w.drain_deadline = a.deadline;
    leader.told[w.uid] = a.deadline;
    count("drained");
  } else if (w.state == api::WorkerState::kActive) {
    w.state = api::WorkerState::kCordoned;
    count("cordoned");
  }
}

void PlanWorld::remove(Leader& leader, TrueWorker& w, const Action& a, bool promised) {
  if (!a.resource_version.empty() && a.resource_version != std::to_string(w.version)) {
    return;  // The API server's precondition.
  }
  if (w.sessions > 0) {
    violation("deleted " + w.name + " with " + std::to_string(w.sessions) + " sessions: " + a.why);
  }
  const bool down_for_long =
      w.down_since && now_ - *w.down_since > pool_->worker.sessions.max_heartbeat_timeout;
  if (!promised && !w.finished && w.ever_ready && !w.node_lost && !down_for_long) {
    violation("deleted " + w.name + " without its promise: " + a.why);
  }
  count(promised ? "retired and deleted" : "deleted");
  const std::string name = w.name;
  workers_.erase(name);
  if (const auto seen = leader.view.find(name); seen != leader.view.end()) {
    seen->second.removing = true;  // Until the cache shows it.
  }
}

}  // namespace berth::op
