#include "tests/property/plan_world.h"

#include <algorithm>

#include "operator/rollout/surge.h"

namespace berth::op {

using namespace std::chrono_literals;
using Kind = Action::Kind;

PlanWorld::PlanWorld(std::uint32_t seed, RetireBy retire_by)
    : random_(seed), retire_by_(retire_by) {
  pool_->name = "p";
  pool_->uid = "pool";
  pool_->worker.sessions.max_per_worker = 1 + below(4);
  pool_->worker.sessions.max_heartbeat_timeout = 20s;
  pool_->scaling.min_workers = below(3);
  pool_->scaling.max_workers = pool_->scaling.min_workers + 1 + below(8);
  pool_->scaling.free_slots =
      one_in(2) ? api::IntOrPercent{below(5), false} : api::IntOrPercent{below(60), true};
  pool_->scaling.tolerance = below(2) * 0.2;
  pool_->scaling.down_stabilization_window = std::chrono::seconds(3 + below(20));
  pool_->scaling.scale_to_zero_after = std::chrono::seconds(below(20));
  pool_->rollout.max_surge = {10 + below(90), true};
  pool_->rollout.max_unavailable = {below(3) * 25, true};
  pool_->drain.policy = one_in(4) ? api::DrainPolicy::kEnd : api::DrainPolicy::kWait;
  pool_->drain.timeout = std::chrono::seconds(10 + below(60));
  for (int i = 0; i < 2; ++i) {
    leaders_[i].index = i;
    leaders_[i].epoch = i + 1;
    leaders_[i].history.started_at = now_;
  }
  leaders_[0].leads = true;
}

void PlanWorld::violation(const std::string& what) {
  violations_.push_back(what);
}

void PlanWorld::step() {
  now_ += std::chrono::milliseconds(100 + below(3000));
  pass_time();
  for (int i = below(6); i > 0; --i) {
    event();
  }
  for (Leader& leader : leaders_) {
    carry_out_orders(leader);
    refresh_some(leader);
    if (leader.leads) {
      lead(leader, !one_in(10));
    }
  }
  check_limits();
}

PlanWorld::TrueWorker* PlanWorld::any() {
  if (workers_.empty()) {
    return nullptr;
  }
  auto it = workers_.begin();
  std::advance(it, below(static_cast<int>(workers_.size())));
  return &it->second;
}

void PlanWorld::event() {
  TrueWorker* w = any();
  const int kind = below(20);
  if (kind == 0) {
    waiting_ += below(5);
  } else if (kind < 14) {
    if (w != nullptr) {
      load_event(w);
    }
  } else if (kind < 18) {
    if (w != nullptr) {
      worker_event(w);
    }
  } else if (one_in(6)) {
    pool_event();
  }
}

void PlanWorld::load_event(TrueWorker* w) {
  switch (below(3)) {
    case 0:
      place(*w);
      break;
    case 1:
      if (w->serves() && w->sessions > 0) {
        --w->sessions;
      }
      break;
    default:
      start(*w);
  }
}

// The gateway places where there is room in truth, whatever an operator believes.
void PlanWorld::place(TrueWorker& w) {
  if (w.admits() && w.sessions < pool_->worker.sessions.max_per_worker) {
    ++w.sessions;
    waiting_ = std::max(0, waiting_ - 1);
    count("session");
  }
}

void PlanWorld::start(TrueWorker& w) {
  if (w.finished || w.deleting || w.node_lost || w.ever_ready) {
    return;
  }
  w.version += !w.started || !w.broken ? 1 : 0;
  w.started = true;
  w.ever_ready = !w.broken;
}

void PlanWorld::restart(TrueWorker& w) {
  w.down_since.reset();
  ++w.version;
}

void PlanWorld::worker_event(TrueWorker* w) {
  switch (below(6)) {
    case 0:
      w->cut_off[below(2)] ^= true;
      break;
    case 1:
      if (w->serves() && one_in(2)) {
        w->down_since = now_;  // Its sessions live on if it is back in time.
        ++w->version;
        count("crash");
      }
      break;
    case 2:
    case 3:
      if (w->down_since) {
        restart(*w);
      }
      break;
    case 4:
      if (one_in(6) && !w->finished) {
        w->finished = true;  // Evicted: what was in it is lost, and not by us.
        w->sessions = 0;
        ++w->version;
        count("pod failed");
      }
      break;
    default:
      if (one_in(6) && !w->deleting && !w->finished) {
        w->deleting = true;  // By somebody else.
        w->delete_by = now_ + std::chrono::seconds(5 + below(40));
        ++w->version;
        count("pod deleted by somebody");
      }
  }
}

void PlanWorld::pool_event() {
  switch (below(6)) {
    case 0: {
      const bool back = revisions_.size() > 1 && one_in(2);
      auto it = revisions_.begin();
      std::advance(it, below(static_cast<int>(revisions_.size())));
      revision_ = back ? *it : "r" + std::to_string(revisions_.size());
      if (!back && one_in(3)) {
        broken_.insert(revision_);
      }
      revisions_.insert(revision_);
      count(back ? "rollback" : "template changed");
      break;
    }
    case 1: {
      const std::string node = "n" + std::to_string(below(4));
      leaving_nodes_.contains(node) ? (void)leaving_nodes_.erase(node)
                                    : (void)leaving_nodes_.insert(node);
      count("node cordoned or back");
      break;
    }
    case 2: {
      if (!one_in(4)) {
        break;
      }
      const std::string node = "n" + std::to_string(below(4));
      for (auto& [name, w] : workers_) {
        if (w.node == node) {
          w.node_lost = true;
          w.sessions = 0;  // Lost with their host.
        }
      }
      count("node lost");
      break;
    }
    case 3:
      if (one_in(12)) {
        pool_ = std::make_shared<api::SessionPool>(*pool_);
        pool_->deleting = true;
        count("pool deleted");
      }
      break;
    default: {
      // Who leads: one of them, or both believe to.
      const int who = below(3);
      leaders_[0].leads = who != 1;
      leaders_[1].leads = who != 0;
      count(who == 2 ? "two leaders" : "leader changed");
    }
  }
}

void PlanWorld::pass_time() {
  for (auto it = workers_.begin(); it != workers_.end();) {
    TrueWorker& w = it->second;
    if (w.down_since && now_ - *w.down_since > pool_->worker.sessions.max_heartbeat_timeout) {
      w.sessions = 0;  // Their owners have given them up.
    }
    if (w.drain_deadline && now_ >= *w.drain_deadline && w.sessions > 0 && w.serves()) {
      if (pool_->drain.policy != api::DrainPolicy::kEnd && !w.deleting) {
        violation("sessions of " + w.name + " ended by a deadline that nobody set");
      }
      w.sessions = 0;
    }
    const bool gone = w.deleting && (now_ >= w.delete_by || (w.serves() && w.sessions == 0));
    it = gone ? workers_.erase(it) : std::next(it);
  }
}

std::int64_t PlanWorld::cap() const {
  return pool_->scaling.max_workers + max_surge(*pool_, pool_->scaling.max_workers);
}

void PlanWorld::check_limits() {
  std::int64_t alive = 0;
  for (const auto& [name, w] : workers_) {
    alive += w.finished || w.node_lost || (w.deleting && now_ > w.delete_by) ? 0 : 1;
    if (w.sessions > pool_->worker.sessions.max_per_worker) {
      violation("more sessions than slots on " + name);
    }
  }
  // Two leaders may each fill the room that the other one's view does not show yet.
  if (alive > cap() && !happened_.contains("two leaders") &&
      !happened_.contains("leader changed") && !happened_.contains("node lost")) {
    violation(std::to_string(alive) + " workers where " + std::to_string(cap()) + " may be");
  }
}

std::string PlanWorld::describe() const {
  const History& h = leaders_[0].history;
  std::string text = "revision " + revision_ + ", proven " + h.proven + ", target " +
                     std::to_string(h.target.value_or(-1)) + " of " +
                     std::to_string(pool_->scaling.min_workers) + ".." +
                     std::to_string(pool_->scaling.max_workers) + ", surge " +
                     std::to_string(pool_->rollout.max_surge.value) + "%, unavailable " +
                     std::to_string(pool_->rollout.max_unavailable.value) + "%\n";
  for (const auto& [name, w] : workers_) {
    text += name + " " + w.revision + " on " + w.node + " " + std::string(to_string(w.state)) +
            " sessions " + std::to_string(w.sessions) + (w.started ? " started" : "") +
            (w.ever_ready ? " ready" : "") + (w.finished ? " finished" : "") +
            (w.retired ? " retired" : "") + (w.deleting ? " deleting" : "") +
            (w.node_lost ? " node lost" : "") + (w.down_since ? " down" : "") + " epoch " +
            std::to_string(w.epoch) + "\n";
  }
  for (const Action& a : last_actions_) {
    text += "planned " + std::to_string(static_cast<int>(a.kind)) + " " + a.worker + ": " + a.why +
            "\n";
  }
  return text;
}

void PlanWorld::quiesce() {
  waiting_ = 0;
  leaving_nodes_.clear();
  broken_.erase(revision_);
  leaders_[0].leads = true;
  leaders_[1].leads = false;
  leaders_[1].orders.clear();
  leaders_[0].epoch = 3;
  for (int i = 0; i < 400; ++i) {
    now_ += 2s;
    pass_time();
    for (auto& [name, w] : workers_) {
      w.sessions = 0;
      w.cut_off = {};
      w.broken = w.broken && w.revision != revision_;
      if (w.down_since) {
        restart(w);
      }
      start(w);
    }
    carry_out_orders(leaders_[0]);
    const auto view = leaders_[0].view;
    for (const auto& [name, seen] : view) {
      refresh(leaders_[0], name);
    }
    for (const auto& [name, w] : workers_) {
      refresh(leaders_[0], name);
    }
    lead(leaders_[0], true);
  }
  std::int64_t alive = 0;
  for (const auto& [name, w] : workers_) {
    alive += w.finished ? 0 : 1;
    if (w.revision != revision_ && !pool_->deleting) {
      violation(name + " is still of revision " + w.revision + ", not " + revision_);
    }
  }
  const std::int64_t rest = pool_->deleting ? 0 : pool_->scaling.min_workers;
  if (alive != rest) {
    violation(std::to_string(alive) + " workers at rest instead of " + std::to_string(rest));
  }
  if (!last_actions_.empty()) {
    violation("not at rest: " + last_actions_[0].worker + ", " + last_actions_[0].why);
  }
}

}  // namespace berth::op
