#include "operator/controller/operator.h"

#include <algorithm>
#include <map>
#include <optional>

#include "berth/auth/control_token.h"
#include "berth/kube/leader.h"
#include "berth/kube/namespaced_reflector.h"
#include "berth/kube/work_queue.h"
#include "operator/controller/event_recorder.h"
#include "operator/controller/pool_controller.h"
#include "operator/controller/pool_metrics.h"
#include "operator/disruption/node_watch.h"
#include "operator/gateways/gateway_finder.h"
#include "operator/gateways/gateway_keys.h"
#include "operator/keys/key_keeper.h"
#include "operator/track/demand_tracker.h"

namespace berth::op {
namespace {

constexpr Duration kStuckAfter = std::chrono::minutes(1);

}  // namespace

struct Operator::Impl {
  Impl(EventLoop& l, kube::Client& client, kube::Client& lease_client, http::Transport& workers,
       http::Transport& gateways, std::optional<auth::SigningKey> key, Random& random,
       OperatorSettings s, const Log& log, Metrics& metrics, std::function<void()> lost)
      : loop(l),
        settings(std::move(s)),
        signer("operator/" + settings.identity, loop.clock()),
        pool_metrics(metrics, loop.clock()),
        events(loop, client, random, settings.identity, log, metrics),
        demand(loop, gateways, signer, random, {std::chrono::seconds(25), std::chrono::seconds(15)},
               [this](const std::string& pool) { demand_changed(pool); }),
        gateway_keys(loop, gateways, signer, random,
                     [this] {
                       if (keys) {
                         keys->holders_changed();
                       }
                     }),
        leader(loop, lease_client, random,
               {settings.lease_namespace, settings.lease_name, settings.identity}, log, metrics,
               {[this](std::int64_t) { lead(); }, std::move(lost)}),
        lease_watch(loop, lease_client, random, kube::kLeases,
                    {.ns = settings.lease_namespace, .name = settings.lease_name}, log, metrics,
                    {[this](const Json& lease) { lease_changed(lease); }, {}, {}, {}}),
        queue(loop, "sessionpool", settings.concurrency, metrics,
              [this](const std::string& pool, const kube::WorkQueue::Done& done) {
                reconcile(pool, done);
              }),
        keys(make_keys(key, client, random, log, metrics)),
        nodes(loop, client, random, log, metrics,
              [this](const std::string& node) { node_changed(node); }),
        deps{loop,   client, workers,      signer,     random, leader,         events,
             demand, nodes,  pool_metrics, keys.get(), log,    settings.render},
        pools(
            loop, client, random, kube::kSessionPools, settings.namespaces, {}, log, metrics,
            [](const Json& o) { return PoolObject::from(o); },
            [this](const std::string& pool, const auto&, const auto& now) {
              pool_changed(pool, now != nullptr);
            }),
        pods(
            loop, client, random, kube::kPods, settings.namespaces,
            {.label_selector = api::kPoolLabel}, log, metrics,
            [](const Json& o) { return PodView::from(o); },
            [this](const std::string&, const auto& before, const auto& now) {
              pod_changed(before, now);
            }) {
    if (key) {
      signer.use(std::move(*key));
    }
    if (!settings.gateway_service.empty()) {
      finder = std::make_unique<GatewayFinder>(
          loop, client, random,
          GatewayFinder::Settings{settings.lease_namespace, settings.gateway_service,
                                  settings.gateway_port, settings.gateway_tls},
          log, metrics, [this](const GatewayList& list) { set_gateways(list); });
    }
  }

  std::unique_ptr<KeyKeeper> make_keys(const std::optional<auth::SigningKey>& given,
                                       kube::Client& client, Random& random, const Log& log,
                                       Metrics& metrics) {
    if (given) {
      return nullptr;
    }
    KeyKeeper::Settings s;
    s.own_namespace = settings.lease_namespace;
    s.pool_namespaces = settings.namespaces;
    s.config_map = settings.render.keys_config_map;
    KeyKeeper::Hooks hooks;
    hooks.may_write = [this] { return leader.may_write(); };
    hooks.namespaces = [this] { return pool_namespaces(); };
    hooks.holders = [this] { return key_holders(); };
    hooks.unread = [this] { return unread(); };
    hooks.gateways_known = [this] { return !finder || finder->gateways().known; };
    hooks.changed = [this] { keys_changed(); };
    return std::make_unique<KeyKeeper>(loop, client, random, signer, events, std::move(s),
                                       std::move(hooks), log, metrics);
  }

  void start() {
    pools.start();
    pods.start();
    nodes.start();
    if (finder) {
      finder->start();
    } else {
      demand.set_gateways({settings.gateways, true});
    }
    lease_watch.start();
    leader.start();
  }

  void stop() {
    controllers.clear();
    gateway_keys.set_gateways({});
    if (keys) {
      keys->stop();
    }
    if (finder) {
      finder->stop();
    }
    lease_watch.stop();
    pools.stop();
    pods.stop();
  }

  bool ready() const { return pools.settled() && pods.settled() && (!finder || finder->synced()); }
  bool synced(const std::string& ns) const {
    return pools.synced(ns) && pods.synced(ns) && (!finder || finder->synced());
  }
  std::set<std::string> unread() const {
    std::set<std::string> out = pools.unread();
    out.merge(pods.unread());
    return out;
  }

  // Polling for the Lease alone would let it lie free for up to four seconds.
  void lease_changed(const Json& lease) {
    if (string_at(lease, {"spec", "holderIdentity"}).empty()) {
      leader.look_now();
    }
  }

  void set_gateways(const GatewayList& list) {
    demand.set_gateways(list);
    if (leading && keys) {
      gateway_keys.set_gateways(list.origins);
      keys->holders_changed();
    }
  }

  std::set<std::string> pool_namespaces() const {
    std::set<std::string> out;
    pools.for_each([&out](const std::string&, const auto& pool) {
      if (!pool->pool || !pool->pool->deleting) {
        out.insert(pool->ns);
      }
    });
    return out;
  }

  std::vector<KeyHolder> key_holders() {
    std::vector<KeyHolder> out = gateway_keys.holders();
    const auto lost = [this](const PodView& pod) {
      if (pod.node.empty()) {
        return false;
      }
      const NodeState node = nodes.state(pod.node);
      return node.gone || (node.view != nullptr && node.view->out_of_service);
    };
    for (const auto& [key, controller] : controllers) {
      controller->list_holders(lost, out);
    }
    return out;
  }

  void keys_changed() {
    if (!working && keys->signing()) {
      work();
    } else {
      enqueue_all();
    }
  }

  // Only the leader plans; a standby keeps its caches warm and knows nothing else, so that its
  // first plan is fresh.
  void lead() {
    leading = true;
    lease_watch.stop();
    if (keys) {
      gateway_keys.set_gateways(finder ? finder->gateways().origins : settings.gateways);
      keys->start();  // Calls keys_changed() once there is a key to sign with.
    } else {
      work();
    }
  }

  void work() {
    working = true;
    queue.start();
    pools.for_each([this](const std::string& key, const auto&) { adopt(key); });
    enqueue_all();
  }

  void enqueue_all() {
    for (const auto& [key, controller] : controllers) {
      queue.add(key, kube::Urgency::kBulk);
    }
  }

  // An empty name: what is known of all of them has changed.
  void node_changed(const std::string& node) {
    if (node.empty()) {
      enqueue_all();
      return;
    }
    for (const auto& [key, controller] : controllers) {
      if (controller->uses_node(node)) {
        queue.add(key);
      }
    }
  }

  void demand_changed(const std::string& pool) {
    if (const auto it = controllers.find(pool); it != controllers.end()) {
      it->second->news();
    }
    queue.add(pool);
  }

  void pool_changed(const std::string& key, bool exists) {
    if (keys) {
      keys->namespaces_changed();
    }
    if (!working) {
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
    pods.for_each([&](const std::string&, const auto& pod) {
      if (pod->ns + "/" + pod->pool == key) {
        controller->pod_changed(pod->name, pod);
      }
    });
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
    if (it == controllers.end() || !synced(object->ns) || !leader.may_write()) {
      done(kube::ReconcileResult::after(std::chrono::milliseconds(100)));
      return;
    }
    const auto wake = it->second->reconcile(*object, pods.version(object->ns));
    if (keys) {
      keys->holders_changed();
    }
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
  GatewayKeysTracker gateway_keys;
  kube::LeaderElector leader;
  kube::ReflectorCore lease_watch;  ///< Of a standby.
  kube::WorkQueue queue;
  std::unique_ptr<KeyKeeper> keys;        ///< Null: the key was given.
  std::unique_ptr<GatewayFinder> finder;  ///< Null: the gateways were given.
  NodeWatch nodes;
  ControllerDeps deps;
  std::map<std::string, std::unique_ptr<PoolController>> controllers;
  kube::NamespacedReflector<PoolObject> pools;
  kube::NamespacedReflector<PodView> pods;
  bool leading = false;
  bool working = false;  ///< Leading, with a key to sign with.
};

Operator::Operator(EventLoop& loop, kube::Client& client, kube::Client& lease_client,
                   http::Transport& workers, http::Transport& gateways,
                   std::optional<auth::SigningKey> key, Random& random, OperatorSettings settings,
                   const Log& log, Metrics& metrics, std::function<void()> lost)
    : impl_(std::make_unique<Impl>(loop, client, lease_client, workers, gateways, std::move(key),
                                   random, std::move(settings), log, metrics, std::move(lost))) {}
Operator::~Operator() = default;

void Operator::start() {
  impl_->start();
}

void Operator::stop(std::function<void()> done) {
  impl_->queue.stop([this, done = std::move(done)]() mutable {
    impl_->stop();
    done();
  });
}

void Operator::release(std::function<void()> done) {
  impl_->events.flush(
      [this, done = std::move(done)]() mutable { impl_->leader.release(std::move(done)); });
}

bool Operator::ready() const {
  return impl_->ready();
}

bool Operator::healthy() const {
  return impl_->queue.longest_running() < kStuckAfter;
}

}  // namespace berth::op
