// Random traces of a pool: sessions come and go, workers start, fall silent and come back, views
// are stale, and the plan's actions meet the true state. The promises of operator/plan/plan.h must
// hold in every step.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "operator/plan/plan.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

struct TrueWorker {
  std::string uid;
  int version = 1;
  bool started = false;
  bool ready = false;
  bool finished = false;
  bool silent = false;
  std::int64_t sessions = 0;
  api::WorkerState state = api::WorkerState::kActive;
  TimePoint created_at{};
  std::optional<api::Slots> view;  // What the operator last heard.
  int view_version = 1;            // The pod as the operator last saw it.
  bool view_started = false;
};

class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {
    pool_.name = "p";
    pool_.uid = "pool";
    pool_.worker.sessions.max_per_worker = 1 + below(6);
    pool_.scaling.min_workers = below(3);
    pool_.scaling.max_workers = pool_.scaling.min_workers + 1 + below(8);
    pool_.scaling.free_slots =
        below(2) == 0 ? api::IntOrPercent{below(5), false} : api::IntOrPercent{below(60), true};
    pool_.scaling.tolerance = below(2) * 0.2;
    pool_.scaling.down_stabilization_window = std::chrono::seconds(5 + below(30));
    pool_.scaling.scale_to_zero_after = std::chrono::seconds(below(20));
    history_.started_at = now_;
  }

  void step() {
    now_ += std::chrono::milliseconds(100 + below(3000));
    for (int i = below(4); i > 0; --i) {
      event();
    }
    plan_and_apply(below(10) != 0);
  }

  // No more load, everybody answers: must come to rest at the minimum.
  void quiesce() {
    waiting_ = 0;
    for (auto& [name, w] : workers_) {
      w.sessions = 0;
      w.silent = false;
    }
    for (int i = 0; i < 200; ++i) {
      now_ += 2s;
      for (auto& [name, w] : workers_) {
        start(w);
        refresh(w);
      }
      plan_and_apply(true);
    }
    std::int64_t alive = 0;
    for (const auto& [name, w] : workers_) {
      alive += w.finished ? 0 : 1;
    }
    EXPECT_EQ(alive, pool_.scaling.min_workers);
    EXPECT_TRUE(last_actions_.empty())
        << "still busy: " << last_actions_[0].worker << " " << last_actions_[0].why;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }

  TrueWorker* any() {
    if (workers_.empty()) {
      return nullptr;
    }
    auto it = workers_.begin();
    std::advance(it, below(static_cast<int>(workers_.size())));
    return &it->second;
  }

  void start(TrueWorker& w) {
    if (!w.started && !w.finished) {
      w.started = true;
      w.ready = true;
      ++w.version;
    }
  }

  void refresh(TrueWorker& w) {
    w.view_version = w.version;
    w.view_started = w.started;
    if (w.ready && !w.silent && !w.finished) {
      api::Slots s;
      s.state = w.state;
      s.capacity = {{api::kSlot, pool_.worker.sessions.max_per_worker}};
      s.used = {{api::kSlot, w.sessions}};
      s.sessions = w.sessions;
      w.view = s;
    }
  }

  void event() {
    TrueWorker* w = any();
    switch (below(9)) {
      case 0:
        waiting_ += below(5);
        break;
      case 1:
      case 2:
        // The gateway places where there is room in truth, whatever the operator believes.
        if (w != nullptr && w->ready && !w->finished && w->state == api::WorkerState::kActive &&
            w->sessions < pool_.worker.sessions.max_per_worker) {
          ++w->sessions;
          waiting_ = std::max(0, waiting_ - 1);
        }
        break;
      case 3:
      case 4:
        if (w != nullptr && w->sessions > 0) {
          --w->sessions;
        }
        break;
      case 5:
        if (w != nullptr) {
          start(*w);
        }
        break;
      case 6:
      case 7:
        if (w != nullptr) {
          refresh(*w);
        }
        break;
      case 8:
        if (w != nullptr && below(3) == 0) {
          w->silent = !w->silent;
        } else if (w != nullptr && below(8) == 0 && w->sessions == 0) {
          w->finished = true;  // Its pod failed; what was in it is lost already.
          ++w->version;
        }
        break;
    }
  }

  Observed observe(bool demand_readable) {
    Observed o;
    o.pool = pool_;
    o.history = history_;
    o.demand.readable = demand_readable;
    for (int i = 0; i < waiting_; ++i) {
      o.demand.waiting.push_back({"w" + std::to_string(i), {}});
    }
    for (const auto& [name, t] : workers_) {
      Worker w;
      w.name = name;
      w.uid = t.uid;
      w.resource_version = std::to_string(t.view_version);
      w.created_at = t.created_at;
      w.never_started = !t.view_started;
      w.ready = t.view.has_value();
      w.finished = t.finished && t.view_version == t.version;
      w.slots = t.view;
      w.silent = t.silent && t.view.has_value();
      o.workers.push_back(std::move(w));
    }
    return o;
  }

  void plan_and_apply(bool demand_readable) {
    const Observed o = observe(demand_readable);
    Plan p = plan(o, now_);
    history_ = std::move(p.history);
    last_actions_ = p.actions;
    for (const Action& a : p.actions) {
      if (!demand_readable && a.kind == Kind::kCordon) {
        ADD_FAILURE() << "gave up " << a.worker << " without knowing the demand";
      }
      apply(a);
    }
    check_limits();
  }

  void apply(const Action& a) {
    if (a.kind == Kind::kCreate) {
      ASSERT_FALSE(workers_.contains(a.worker)) << "name used twice: " << a.worker;
      TrueWorker w;
      w.uid = "u" + std::to_string(++uids_);
      w.created_at = now_;
      workers_[a.worker] = w;
      history_.created.push_back(now_);
      return;
    }
    const auto it = workers_.find(a.worker);
    ASSERT_NE(it, workers_.end());
    TrueWorker& w = it->second;
    ASSERT_EQ(w.uid, a.uid);
    const bool reachable = w.ready && !w.silent && !w.finished;
    switch (a.kind) {
      case Kind::kRetire:
        // The worker's own compare-and-swap.
        if (reachable && w.sessions == 0) {
          workers_.erase(it);
        }
        break;
      case Kind::kCordon:
      case Kind::kUncordon:
        if (reachable) {
          w.state =
              a.kind == Kind::kCordon ? api::WorkerState::kCordoned : api::WorkerState::kActive;
          refresh(w);
        }
        break;
      case Kind::kDelete:
        if (!a.resource_version.empty() && a.resource_version != std::to_string(w.version)) {
          break;  // The API server's precondition.
        }
        EXPECT_EQ(w.sessions, 0) << "deleted a worker in use: " << a.why;
        EXPECT_TRUE(w.finished || !w.started) << "deleted without retiring: " << a.why;
        workers_.erase(it);
        break;
      case Kind::kCreate:
        break;
    }
  }

  void check_limits() {
    std::int64_t taking = 0;
    std::int64_t alive = 0;
    for (const auto& [name, w] : workers_) {
      alive += w.finished ? 0 : 1;
      taking += !w.finished && !w.silent && w.state == api::WorkerState::kActive ? 1 : 0;
    }
    const std::int64_t most = pool_.scaling.max_workers;
    // A worker that fell silent is replaced; when it speaks again both are there, within the surge.
    EXPECT_LE(alive, most + (most * 25 + 99) / 100);
    EXPECT_LE(taking, most + (most * 25 + 99) / 100);
  }

  std::mt19937 random_;
  api::SessionPool pool_;
  History history_;
  TimePoint now_{std::chrono::hours(1)};
  std::map<std::string, TrueWorker> workers_;
  int waiting_ = 0;
  int uids_ = 0;
  std::vector<Action> last_actions_;
};

class PlanProperty : public testing::TestWithParam<std::uint32_t> {};

TEST_P(PlanProperty, HoldsItsPromisesAndComesToRest) {
  for (std::uint32_t trace = 0; trace < 50; ++trace) {
    SCOPED_TRACE("seed " + std::to_string(GetParam() * 1000 + trace));
    World world(GetParam() * 1000 + trace);
    for (int i = 0; i < 150; ++i) {
      world.step();
    }
    world.quiesce();
    if (HasFailure()) {
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlanProperty, testing::Range(1u, 11u));

}  // namespace
}  // namespace berth::op
