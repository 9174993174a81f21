#include "gateway/workers/kube_watch.h"

#include <optional>
#include <utility>

#include "berth/kube/namespaced_reflector.h"
#include "berth/kube/object.h"
#include "gateway/gateway.h"

namespace berth::gateway {

struct KubeWatch::Impl {
  using Pools = kube::NamespacedReflector<PoolInfo>;
  using Pods = kube::NamespacedReflector<WorkerPod>;

  Impl(EventLoop& loop, kube::Client& client, Random& random, Metrics& metrics, Log l,
       const std::set<std::string>& namespaces, Gateway& g)
      : log(std::move(l)),
        gateway(g),
        pools(
            loop, client, random, kube::kSessionPools, namespaces, {}, log, metrics,
            [this](const Json& object) { return pool_of(object); },
            [this](const std::string& key, const Pools::Ptr&, const Pools::Ptr& now) {
              gateway.set_pool(key, now);
            }),
        pods(loop, client, random, kube::kPods, namespaces, {.label_selector = api::kPoolLabel},
             log, metrics, WorkerPod::from_json,
             [this](const std::string&, const Pods::Ptr& before, const Pods::Ptr& now) {
               pod_changed(before, now);
             }) {}

  std::optional<PoolInfo> pool_of(const Json& object) const {
    auto pool = PoolInfo::from_json(object);
    if (!pool) {
      log.warn("pool cannot be served", {{"pool", kube::key_of(object)}, {"error", pool.error()}});
      return std::nullopt;
    }
    return *std::move(pool);
  }

  void pod_changed(const Pods::Ptr& before, const Pods::Ptr& now) {
    if (before && (!now || now->uid != before->uid)) {
      gateway.remove_pod(before->uid);
    }
    if (now) {
      gateway.set_pod(*now);
    }
  }

  Log log;
  Gateway& gateway;
  Pools pools;
  Pods pods;
};

KubeWatch::KubeWatch(EventLoop& loop, kube::Client& client, Random& random, Metrics& metrics,
                     Log log, const std::set<std::string>& namespaces, Gateway& gateway)
    : impl_(std::make_unique<Impl>(loop, client, random, metrics, std::move(log), namespaces,
                                   gateway)) {}

KubeWatch::~KubeWatch() = default;

void KubeWatch::start() {
  impl_->pools.start();
  impl_->pods.start();
}

bool KubeWatch::synced(const std::string& ns) const {
  return impl_->pools.synced(ns) && impl_->pods.synced(ns);
}

bool KubeWatch::settled() const {
  return impl_->pools.settled() && impl_->pods.settled();
}

}  // namespace berth::gateway
