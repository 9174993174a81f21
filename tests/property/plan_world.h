#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/plan.h"

namespace berth::op {

/// How a leader takes a worker's promise before it deletes it.
enum class RetireBy {
  kCompareAndSwap,  ///< As Berth does: the worker decides, in one step.
  kReadAndCordon,   ///< The mutant: read 0, cordon, read 0, delete. Must be caught.
};

/// A pool in truth, and two leaders that each see it through a stale view of their own, plan with
/// plan(), and whose actions arrive late. Everything is drawn from the seed. What breaks a promise
/// of design section 2 or of plan.h is written down.
class PlanWorld {
 public:
  PlanWorld(std::uint32_t seed, RetireBy retire_by);

  /// Some time passes, things happen, and those who lead plan.
  void step();
  /// No more load and no more trouble, one leader with a fresh view: the pool must come to rest at
  /// its minimum and its revision, or be gone if it is being deleted.
  void quiesce();

  /// The workers in truth, one a line, for messages.
  std::string describe() const;
  const std::vector<std::string>& violations() const { return violations_; }
  /// What happened how often, so that a test can see that its traces are not idle.
  const std::map<std::string, int>& happened() const { return happened_; }

 private:
  struct TrueWorker {
    std::string name;
    std::string uid;
    std::string revision;
    std::string node;
    int version = 1;
    TimePoint created_at{};
    bool broken = false;  ///< Its container crashes before it is ready.
    bool started = false;
    bool ever_ready = false;
    bool finished = false;
    bool retired = false;
    bool node_lost = false;
    bool deleting = false;
    TimePoint delete_by{};
    std::optional<TimePoint> down_since;
    api::WorkerState state = api::WorkerState::kActive;
    std::int64_t epoch = 0;
    std::optional<TimePoint> drain_deadline;
    std::int64_t sessions = 0;
    std::array<bool, 2> cut_off{};  ///< A leader cannot reach it.

    bool serves() const { return ever_ready && !finished && !down_since && !node_lost; }
    bool admits() const {
      return serves() && !deleting && !retired && state == api::WorkerState::kActive;
    }
  };
  struct Order {  ///< An action on its way.
    Action action;
    int stage = 0;
    int steps_left = 0;
  };
  struct Leader {
    int index = 0;
    std::int64_t epoch = 0;
    History history;
    std::map<std::string, Worker> view;  ///< By name.
    std::map<std::string, TimePoint> told;
    std::vector<Order> orders;
    bool leads = false;
  };

  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  TrueWorker* any();
  void count(const std::string& what) { ++happened_[what]; }
  void violation(const std::string& what);

  void event();
  void load_event(TrueWorker* w);
  void worker_event(TrueWorker* w);
  void pool_event();
  void start(TrueWorker& w);
  void restart(TrueWorker& w);
  void place(TrueWorker& w);
  void pass_time();

  void refresh(Leader& leader, const std::string& name);
  void refresh_some(Leader& leader);
  Observed observe(const Leader& leader, bool demand_readable) const;
  void lead(Leader& leader, bool demand_readable);
  void carry_out_orders(Leader& leader);
  /// False: the order goes on in a later step.
  bool carry_out(Leader& leader, Order& order);
  void create(Leader& leader, const Action& a);
  bool retire(Leader& leader, TrueWorker& w, Order& order);
  void turn(Leader& leader, TrueWorker& w, const Action& a);
  void remove(Leader& leader, TrueWorker& w, const Action& a, bool promised);
  void check_limits();
  std::int64_t cap() const;

  std::mt19937 random_;
  const RetireBy retire_by_;
  std::shared_ptr<api::SessionPool> pool_ = std::make_shared<api::SessionPool>();
  std::string revision_ = "r0";
  std::set<std::string> revisions_ = {"r0"};
  std::set<std::string> broken_;
  std::set<std::string> leaving_nodes_;
  TimePoint now_{std::chrono::hours(1)};
  std::map<std::string, TrueWorker> workers_;
  std::array<Leader, 2> leaders_;
  int waiting_ = 0;
  int uids_ = 0;
  std::vector<Action> last_actions_;
  std::vector<std::string> violations_;
  std::map<std::string, int> happened_;
};

}  // namespace berth::op
