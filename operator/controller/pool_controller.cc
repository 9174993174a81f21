#include "operator/controller/pool_controller.h"

#include <algorithm>

#include "berth/kube/object.h"

namespace berth::op {

std::optional<PoolObject> PoolObject::from(const Json& object) {
  PoolObject p;
  p.name = kube::name_of(object);
  p.ns = kube::namespace_of(object);
  p.uid = kube::uid_of(object);
  if (const Json* g = find_path(object, {"metadata", "generation"});
      g != nullptr && g->is_number_integer()) {
    p.generation = g->get<std::int64_t>();
  }
  if (const Json* s = find(object, "status")) {
    p.status = *s;
  }
  Result<api::SessionPool> pool = api::SessionPool::parse(object);
  if (pool) {
    p.revision = pool_revision(*pool);
    p.pool = std::make_shared<const api::SessionPool>(std::move(*pool));
  } else {
    p.error = pool.error();
  }
  return p;
}

PoolController::PoolController(const ControllerDeps& deps, std::string ns, std::string name,
                               std::function<void()> changed)
    : deps_(deps),
      ns_(std::move(ns)),
      name_(std::move(name)),
      log_(deps.log.with({{"pool", ns_ + "/" + name_}})),
      changed_(std::move(changed)),
      worker_control_(deps.workers, deps.signer),
      applier_(deps.loop, deps.client, worker_control_, deps.random, deps.render, log_,
               {.may_write = [this] { return deps_.leader.may_write(); },
                .epoch = [this] { return deps_.leader.epoch(); },
                .changed = [this] { changed_(); },
                .event =
                    [this](std::string reason, std::string message, bool warning) {
                      deps_.events.record({ns_, name_, pool_uid_}, std::move(reason),
                                          std::move(message), warning);
                    },
                .create_sent =
                    [this] {
                      if (demand_seen_) {
                        deps_.metrics.reaction(deps_.loop.clock().now() - *demand_seen_);
                      }
                    }}) {
  history_.started_at = deps_.loop.clock().now();
  deps_.demand.add_pool(ns_, name_);
}

PoolController::~PoolController() {
  deps_.demand.remove_pool(ns_, name_);
  deps_.metrics.forget(ns_, name_);
}

void PoolController::pod_changed(const std::string& name, std::shared_ptr<const PodView> pod) {
  if (!pod) {
    members_.erase(name);
    return;
  }
  Member& member = members_[name];
  if (member.pod && member.pod->uid != pod->uid) {
    member.poller.reset();
  }
  member.pod = std::move(pod);
  poll(member);
}

void PoolController::poll(Member& member) {
  const control::WorkerTarget target{member.pod->origin(), api::WorkerUid(member.pod->uid)};
  // A pod that never became ready has nobody listening; asking it would only fill the log.
  const bool worth_it = !target.origin.empty() && !member.pod->finished &&
                        (member.pod->ready || member.poller != nullptr);
  if (!worth_it) {
    if (member.pod->finished) {
      member.poller.reset();
    }
    return;
  }
  if (!member.poller || member.poller->target() != target) {
    member.poller = std::make_unique<control::SlotsPoller>(
        deps_.loop, deps_.workers, deps_.signer, deps_.random, target,
        control::SlotsPoller::Settings{}, [this] { changed_(); });
  }
}

Observed PoolController::observe(
    const PoolObject& object, const std::string& pod_cache_version,
    const std::map<std::string, std::shared_ptr<const NodeView>>& nodes, bool nodes_known) {
  Observed o;
  o.pool = *object.pool;
  o.revision = object.revision;
  if (!last_status_.is_null()) {
    o.pool.status = last_status_;
  }
  for (const auto& [name, member] : members_) {
    if (member.pod->controller_uid != object.uid) {
      continue;  // Of an earlier pool of this name, or somebody else's.
    }
    const auto node = nodes.find(member.pod->node);
    Worker w = make_worker(*member.pod, node == nodes.end() ? nullptr : node->second.get(),
                           nodes_known, deps_.loop.clock());
    if (member.poller) {
      w.slots = member.poller->slots();
      w.silent = member.poller->silent();
    }
    o.workers.push_back(std::move(w));
  }
  applier_.overlay(o.workers, pod_cache_version, deps_.loop.clock().now());
  o.demand = deps_.demand.demand(ns_, name_);
  o.history = history_;
  return o;
}

std::optional<TimePoint> PoolController::reconcile(
    const PoolObject& object, const std::string& pod_cache_version,
    const std::map<std::string, std::shared_ptr<const NodeView>>& nodes, bool nodes_known) {
  const TimePoint now = deps_.loop.clock().now();
  if (pool_uid_ != object.uid) {
    pool_uid_ = object.uid;
    last_status_ = nullptr;
  }
  if (!object.pool) {
    write_status(object, make_invalid_status(object.status, object.generation, *object.error,
                                             deps_.loop.clock().wall_now()));
    return std::nullopt;
  }
  const Observed observed = observe(object, pod_cache_version, nodes, nodes_known);
  if (observed.demand.waiting.size() > waiting_before_) {
    demand_seen_ = now;
  }
  waiting_before_ = observed.demand.waiting.size();
  check_epochs(observed);

  Plan p = plan(observed, now);
  history_ = std::move(p.history);
  applier_.apply(
      *object.pool, p.actions,
      [this](const std::string& worker) {
        const auto it = members_.find(worker);
        return it == members_.end() ? control::WorkerTarget{}
                                    : control::WorkerTarget{it->second.pod->origin(),
                                                            api::WorkerUid(it->second.pod->uid)};
      },
      history_);
  demand_seen_.reset();

  if (p.scaling.sentence != last_sentence_) {
    last_sentence_ = p.scaling.sentence;
    log_.debug("planned", {{"decision", p.scaling.sentence}});
  }
  const PoolCounts counts = count(observed, p, now);
  deps_.metrics.update(ns_, name_, counts, p.scaling.limit);
  std::optional<TimePoint> wake = p.wake_at;
  const auto sooner = [&wake](std::optional<TimePoint> t) {
    if (t && (!wake || *t < *wake)) {
      wake = t;
    }
  };
  sooner(applier_.retry_at());
  if (!object.pool->deleting) {
    const Json status = make_status(observed, p, counts, deps_.loop.clock().wall_now());
    switch (status_gate_.judge(observed.pool.status, status, now)) {
      case StatusGate::Verdict::kWrite:
        write_status(object, status);
        break;
      case StatusGate::Verdict::kLater:
        sooner(status_gate_.write_at());
        break;
      case StatusGate::Verdict::kNothing:
        break;
    }
  }
  return wake;
}

void PoolController::write_status(const PoolObject& object, const Json& status) {
  if (status_writing_ || !deps_.leader.may_write() ||
      status == (last_status_.is_null() ? object.status : last_status_)) {
    return;
  }
  status_writing_ = true;
  // The uid guards against a pool that was deleted and made again under this name. A merge patch
  // would keep fields that we dropped; null removes them.
  Json patch = {{"metadata", {{"uid", object.uid}}}, {"status", status}};
  if (!status.contains("lastScale")) {
    patch["status"]["lastScale"] = nullptr;
  }
  status_call_ = deps_.client.merge_patch(
      kube::kSessionPools, ns_, name_, patch, "status", [this, status](Result<Json> r) {
        status_call_.release();
        status_writing_ = false;
        status_gate_.written(deps_.loop.clock().now());
        if (r) {
          last_status_ = status;
          changed_();
        } else if (r.error().code != ErrorCode::kNotFound) {
          log_.warn("writing the pool's status failed", {{"error", r.error()}});
          status_retry_ = deps_.loop.call_after(std::chrono::seconds(1), [this] { changed_(); });
        }
      });
}

void PoolController::check_epochs(const Observed& observed) {
  std::int64_t highest = 0;
  for (const Worker& w : observed.workers) {
    highest = std::max(highest, w.slots ? w.slots->epoch : 0);
  }
  if (highest <= deps_.leader.epoch() || raising_epoch_ || !deps_.leader.may_write()) {
    return;
  }
  raising_epoch_ = true;
  log_.warn("a worker has seen a higher epoch than ours: the Lease was deleted",
            {{"seen", highest}});
  deps_.leader.raise_epoch(highest, [this](bool) {
    raising_epoch_ = false;
    changed_();
  });
}

}  // namespace berth::op
