#pragma once

#include <memory>
#include <string>
#include <utility>

#include "operator/model/observed.h"
#include "operator/plan/plan.h"

namespace berth::op {

/// Builds Observed values for tests. A pool of workers with 4 slots, 0..6 workers, one slot kept
/// free, a window of 10 s, zero after 5 s, watched for long enough that scale-down may begin.
struct PoolBuilder {
  static constexpr TimePoint kStart{std::chrono::hours(1)};
  /// The pool of `o`, to be changed between plans.
  std::shared_ptr<api::SessionPool> pool = std::make_shared<api::SessionPool>();
  Observed o;
  TimePoint now = kStart + std::chrono::minutes(10);

  PoolBuilder() {
    o.pool = pool;
    pool->name = "files";
    pool->ns = "default";
    pool->uid = "pool-uid";
    pool->generation = 1;
    pool->worker.sessions.max_per_worker = 4;
    pool->scaling.max_workers = 6;
    pool->scaling.free_slots = {1, false};
    pool->scaling.down_stabilization_window = std::chrono::seconds(10);
    pool->scaling.scale_to_zero_after = std::chrono::seconds(5);
    o.demand.readable = true;
    o.history.started_at = kStart;
  }

  Worker& add(std::int64_t used, api::WorkerState state = api::WorkerState::kActive) {
    Worker& w = add_starting();
    w.ready = true;
    w.never_started = false;
    api::Slots s;
    s.state = state;
    s.capacity = {{api::kSlot, pool->worker.sessions.max_per_worker}};
    s.used = {{api::kSlot, used}};
    s.sessions = used;
    w.slots = s;
    return w;
  }
  /// A pod that exists and has not started.
  Worker& add_starting() {
    Worker w;
    w.name = "files-" + std::to_string(o.workers.size());
    w.uid = "uid-" + std::to_string(o.workers.size());
    w.resource_version = "1" + std::to_string(o.workers.size());
    w.created_at = kStart + std::chrono::seconds(o.workers.size());
    o.workers.push_back(std::move(w));
    return o.workers.back();
  }
  void wait(int sessions, api::Resources resources = {}) {
    for (int i = 0; i < sessions; ++i) {
      o.demand.waiting.push_back({"w" + std::to_string(o.demand.waiting.size()), resources});
    }
  }
  /// Plans and keeps the history, as the controller does.
  Plan plan() {
    Plan p = berth::op::plan(o, now);
    o.history = p.history;
    return p;
  }
  /// The same load for long enough that the window has forgotten what was before.
  Plan settle() {
    (void)plan();
    now += std::chrono::minutes(1);
    return plan();
  }
  static int count(const Plan& p, Action::Kind kind) {
    int n = 0;
    for (const Action& a : p.actions) {
      n += a.kind == kind ? 1 : 0;
    }
    return n;
  }
};

}  // namespace berth::op
