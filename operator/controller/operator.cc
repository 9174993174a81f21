#include "operator/controller/operator.h"

#include <algorithm>
#include <map>
#include <optional>

#include "berth/auth/control_token.h"
#include "berth/kube/leader.h"
#include "berth/kube/reflector.h"
#include "berth/kube/work_queue.h"
#include "operator/controller/event_recorder.h"
#include "operator/controller/pool_controller.h"
#include "operator/controller/pool_metrics.h"
#include "operator/disruption/node_watch.h"
#include "operator/track/demand_tracker.h"

namespace berth::op {
namespace {

constexpr Duration kStuckAfter = std::chrono::minutes(1);

}  // namespace

struct Operator::Impl {
  Impl(EventLoop& l, kube::Client& client, kube::Client& lease_client, http::Transport& workers,
       auth::SigningKey key, Random& random, OperatorSettings s, const Log& log, Metrics& metrics,
       std::function<void()> lost)
      : loop(l),
        settings(std::move(s)),
        signer(std::move(key), "operator/" + settings.identity, loop.clock()),
        pool_metrics(metrics),
        events(loop, client, random, settings.identity, log, metrics),
        demand(loop, workers, signer, random,
               {settings.gateways, std::chrono::seconds(25), std::chrono::seconds(15)},
               [this](const std::string& pool) { queue.add(pool); }),
        leader(loop, lease_client, random,
               {settings.lease_namespace, settings.lease_name, settings.identity}, log, metrics,
               {[this](std::int64_t) { lead(); }, std::move(lost)}),
        queue(loop, "sessionpool", settings.concurrency, metrics,
              [this](const std::string& pool, const kube::WorkQueue::Done& done) {
                reconcile(pool, done);
              }),
        nodes(loop, client, random, log, metrics,
              [this](const std::string& node) { node_changed(node); }),
        deps{loop,   client, workers, signer,       random, leader,
             events, demand, nodes,   pool_metrics, log,    settings.render},
        pools(
            loop, client, random, kube::kSessionPools, {settings.ns, "", {}}, log, metrics,
            [](const Json& o) { return PoolObject::from(o); },
            [this](const std::string& pool, const auto&, const auto& now) {
              pool_changed(pool, now != nullptr);
            }),
        pods(
            loop, client, random, kube::kPods, {settings.ns, api::kPoolLabel, {}}, log, metrics,
            [](const Json& o) { return PodView::from(o); },
            [this](const std::string&, const auto& before, const auto& now) {
              pod_changed(before, now);
            }) {}

  void start() {
    pools.start();
    pods.start();
    nodes.start();
    leader.start();
  }

  bool synced() const { return pools.synced() && pods.synced(); }

  // Only the leader plans; a standby keeps its caches warm and knows nothing else, so that its
  // first plan is fresh.
  void lead() {
    leading = true;
    queue.start();
    for (const auto& [key, pool] : pools.all()) {
      adopt(key);
    }
    enqueue_all();
  }

  void enqueue_all() {
    for (const auto& [key, controller] : controllers) {
      queue.add(key);
    }
  }

  // An empty name: what is known of all of them has changed.
  void node_changed(const std::string& node) {
    for (const auto& [key, controller] : controllers) {
      if (node.empty() || controller->uses_node(node)) {
        queue.add(key);
      }
    }
  }

  void pool_changed(const std::string& key, bool exists) {
    if (!leading) {
      return;
    }
    if (exists) {
      adopt(key);
    }
    queue.add(key);
  }

  void adopt(const std::string& key) {
    if (controllers.contains(key)) {
      return;
    }
    const auto object = pools.get(key);
    auto controller = std::make_unique<PoolController>(deps, object->ns, object->name,
                                                       [this, key] { queue.add(key); });
    for (const auto& [pod_key, pod] : pods.all()) {
      if (pod->ns + "/" + pod->pool == key) {
        controller->pod_changed(pod->name, pod);
      }
    }
    controllers[key] = std::move(controller);
  }

  void pod_changed(const std::shared_ptr<const PodView>& before,
                   const std::shared_ptr<const PodView>& now) {
    const auto tell = [this](const PodView& pod, std::shared_ptr<const PodView> value) {
      const std::string key = pod.ns + "/" + pod.pool;
      const auto it = controllers.find(key);
      if (it != controllers.end()) {
        it->second->pod_changed(pod.name, std::move(value));
        queue.add(key);
      }
    };
    if (before && (!now || before->pool != now->pool)) {
      tell(*before, nullptr);
    }
    if (now) {
      tell(*now, now);
    }
  }

  void reconcile(const std::string& key, const kube::WorkQueue::Done& done) {
    const auto object = pools.get(key);
    if (!object) {
      controllers.erase(key);
      done(kube::ReconcileResult::ok());
      return;
    }
    const auto it = controllers.find(key);
    if (it == controllers.end() || !synced() || !leader.may_write()) {
      done(kube::ReconcileResult::after(std::chrono::milliseconds(100)));
      return;
    }
    const auto wake = it->second->reconcile(*object, pods.version());
    if (!wake) {
      done(kube::ReconcileResult::ok());
      return;
    }
    const Duration delay =
        std::max<Duration>(*wake - loop.clock().now(), std::chrono::milliseconds(1));
    done(kube::ReconcileResult::after(delay));
  }

  EventLoop& loop;
  const OperatorSettings settings;
  auth::TokenSigner signer;
  PoolMetrics pool_metrics;
  EventRecorder events;
  DemandTracker demand;
  kube::LeaderElector leader;
  kube::WorkQueue queue;
  NodeWatch nodes;
  ControllerDeps deps;
  std::map<std::string, std::unique_ptr<PoolController>> controllers;
  kube::Reflector<PoolObject> pools;
  kube::Reflector<PodView> pods;
  bool leading = false;
};

Operator::Operator(EventLoop& loop, kube::Client& client, kube::Client& lease_client,
                   http::Transport& workers, auth::SigningKey key, Random& random,
                   OperatorSettings settings, const Log& log, Metrics& metrics,
                   std::function<void()> lost)
    : impl_(std::make_unique<Impl>(loop, client, lease_client, workers, std::move(key), random,
                                   std::move(settings), log, metrics, std::move(lost))) {}
Operator::~Operator() = default;

void Operator::start() {
  impl_->start();
}

void Operator::stop(std::function<void()> done) {
  impl_->queue.stop([this, done = std::move(done)]() mutable {
    impl_->controllers.clear();
    impl_->leader.release(std::move(done));
  });
}

bool Operator::ready() const {
  return impl_->synced();
}

bool Operator::healthy() const {
  return impl_->queue.longest_running() < kStuckAfter;
}

}  // namespace berth::op
