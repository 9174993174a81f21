#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/control/slots_poller.h"
#include "berth/control/worker_control.h"
#include "berth/kube/client.h"
#include "berth/kube/leader.h"
#include "berth/kube/reflector.h"
#include "operator/apply/applier.h"
#include "operator/apply/pod_check.h"
#include "operator/controller/event_recorder.h"
#include "operator/controller/pool_guard.h"
#include "operator/controller/pool_metrics.h"
#include "operator/controller/pool_object.h"
#include "operator/disruption/budget.h"
#include "operator/disruption/node_watch.h"
#include "operator/keys/key_keeper.h"
#include "operator/model/observed.h"
#include "operator/model/pod_view.h"
#include "operator/plan/plan.h"
#include "operator/rollout/revision_store.h"
#include "operator/scaling/schedule.h"
#include "operator/status/status.h"
#include "operator/track/demand_tracker.h"
#include "operator/track/drain_tracker.h"
#include "operator/track/reaction.h"
#include "operator/track/volume_trouble.h"

namespace berth::op {

/// What one pool's reconcile needs from the operator. All outlive the controller.
struct ControllerDeps {
  EventLoop& loop;
  kube::Client& client;
  http::Transport& workers;  ///< For the long polls and words to workers.
  auth::TokenSigner& signer;
  Random& random;
  kube::LeaderElector& leader;
  EventRecorder& events;
  DemandTracker& demand;
  NodeWatch& nodes;
  PoolMetrics& metrics;
  KeyKeeper* keys;  ///< Null: somebody else sees to the keys.
  Log log;
  RenderSettings render;
};

/// One pool, from observation to action. Loop thread only.
class PoolController {
 public:
  /// `changed` asks for another reconcile.
  PoolController(const ControllerDeps& deps, std::string ns, std::string name,
                 std::function<void()> changed);
  ~PoolController();

  /// A pod of this pool came, changed (`pod` set) or went.
  void pod_changed(const std::string& name, std::shared_ptr<const PodView> pod);

  /// Its workers, as a rotation of the control keys sees them; not those that are over. `lost`: a
  /// pod's node is gone.
  void list_holders(const std::function<bool(const PodView&)>& lost,
                    std::vector<KeyHolder>& out) const;

  /// Demand is news too, which the owner hears.
  void news() { reaction_.heard(deps_.loop.clock().now()); }
  /// One round. Returns when to come again if nothing happens.
  std::optional<TimePoint> reconcile(const PoolObject& object,
                                     const std::string& pod_cache_version);
  /// Whether a worker of this pool is on that node.
  bool uses_node(const std::string& node) const;

 private:
  struct Member {
    std::shared_ptr<const PodView> pod;
    std::unique_ptr<control::SlotsPoller> poller;
  };
  /// Why their volumes do not come becomes their trouble.
  void watch_volumes(std::vector<Worker>& workers);
  Observed observe(const PoolObject& object, const std::string& pod_cache_version);
  void begin(const PoolObject& object);
  void remember_revision(const PoolObject& object);
  void carry_out(const PoolObject& object, std::vector<Action> actions);
  void announce(const Plan& plan, const PoolObject& object);
  std::optional<TimePoint> report(const PoolObject& object, const Observed& observed,
                                  const Plan& plan);
  void poll(Member& member);
  bool may_create(const PoolObject& object);
  void write_status(const PoolObject& object, const Json& status);
  void status_written(const Json& before, const Json& status, const Status& answer);
  void check_epochs(const Observed& observed);

  const ControllerDeps& deps_;
  const std::string ns_;
  const std::string name_;
  const Log log_;
  std::function<void()> changed_;
  std::map<std::string, Member> members_;  ///< By pod name.
  std::string pool_uid_;
  History history_;
  control::WorkerControl worker_control_;
  PodCheck pod_check_;
  Applier applier_;
  PoolGuard guard_;
  BudgetKeeper budget_;
  ScheduleCache schedules_;
  RevisionStore revisions_;
  StatusGate status_gate_;
  Json last_status_;  ///< As we last wrote it; the cache may lag behind.
  std::string last_sentence_;
  bool deletion_announced_ = false;
  Reaction reaction_;
  DrainTracker drains_;
  Backoff status_backoff_;
  VolumeTrouble volumes_;
  Cancel status_call_;
  Cancel status_retry_;
  bool status_writing_ = false;
  bool raising_epoch_ = false;
};

}  // namespace berth::op
