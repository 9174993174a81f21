#include "operator/controller/pool_controller.h"

#include <algorithm>

#include "operator/apply/write_backoff.h"

namespace berth::op {

PoolController::PoolController(const ControllerDeps& deps, std::string ns, std::string name,
                               std::function<void()> changed)
    : deps_(deps),
      ns_(std::move(ns)),
      name_(std::move(name)),
      log_(deps.log.with({{"pool", ns_ + "/" + name_}})),
      changed_(std::move(changed)),
      worker_control_(deps.workers, deps.signer),
      pod_check_(deps.loop, deps.client, deps.random, deps.render, [this] { changed_(); }),
      applier_(deps.loop, deps.client, worker_control_, deps.random, deps.render, log_,
               {.may_write = [this] { return deps_.leader.may_write(); },
                .epoch = [this] { return deps_.leader.epoch(); },
                .changed = [this] { changed_(); },
                .event =
                    [this](std::string reason, std::string message, bool warning) {
                      deps_.events.record({ns_, name_, pool_uid_}, std::move(reason),
                                          std::move(message), warning);
                    },
                .rated_create_sent =
                    [this] {
                      if (const auto d = reaction_.create_sent(deps_.loop.clock().now())) {
                        deps_.metrics.reaction(*d);
                      }
                    },
                .create_answered =
                    [this](const std::string& revision, const Status& answer) {
                      pod_check_.created(revision, answer);
                    }}),
      guard_(deps.loop, deps.client, deps.random, log_,
             {[this] { return deps_.leader.may_write(); }, [this] { changed_(); }}),
      budget_(deps.loop, deps.client, log_, ns_, name_),
      revisions_(deps.loop, deps.client, log_,
                 {[this] { return deps_.leader.may_write(); }, [this] { changed_(); }}),
      status_backoff_(kWriteBackoff, deps.random),
      volumes_(deps.loop, deps.client, log_, ns_, [this] { changed_(); }) {
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
  const PodView& pod = *member.pod;
  const control::WorkerTarget target = pod.target();
  // Nobody listens in a pod that never became ready. One that was ready once is asked even when it
  // is not any more: after a restart of the operator too, so that it is known to be silent.
  const bool started = pod.ready || member.poller || (!pod.never_started && !pod.never_ready);
  if (target.origin.empty() || pod.finished || !started) {
    if (pod.finished) {
      member.poller.reset();
    }
    return;
  }
  if (!member.poller || member.poller->target() != target) {
    member.poller = std::make_unique<control::SlotsPoller>(
        deps_.loop, deps_.workers, deps_.signer, deps_.random, target,
        control::SlotsPoller::Settings{}, [this] {
          news();
          changed_();
        });
  }
}

bool PoolController::uses_node(const std::string& node) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const auto& m) { return m.second.pod->node == node; });
}

void PoolController::watch_volumes(std::vector<Worker>& workers) {
  std::optional<VolumeTrouble::Waiting> longest;
  for (const Worker& w : workers) {
    const bool waits = !w.node.empty() && w.never_started && !w.finished && !w.deleting;
    if (waits && w.trouble.empty() && (!longest || w.created_at < longest->since)) {
      longest = {w.uid, w.created_at};
    }
  }
  volumes_.watch(longest);
  for (Worker& w : workers) {
    if (const std::string why = volumes_.why(w.uid); !why.empty()) {
      w.trouble = "FailedMount: " + why;
    }
  }
}

Observed PoolController::observe(const PoolObject& object, const std::string& pod_cache_version) {
  Observed o;
  o.pool = object.pool;
  o.revision = object.revision;
  o.known_revisions = revisions_.earlier();
  for (const auto& [name, member] : members_) {
    if (member.pod->controller_uid != object.uid) {
      continue;  // Of an earlier pool of this name, or somebody else's.
    }
    Worker w = make_worker(*member.pod, deps_.nodes.state(member.pod->node), deps_.loop.clock());
    if (member.poller) {
      w.slots = member.poller->slots();
      w.silent = member.poller->silent();
      w.unheard = member.poller->last_error() ? member.poller->last_error()->text() : "";
    }
    o.workers.push_back(std::move(w));
  }
  watch_volumes(o.workers);
  applier_.overlay(o.workers, pod_cache_version, deps_.loop.clock().now());
  o.demand = deps_.demand.demand(ns_, name_);
  o.scheduled = schedules_.minimum(object.schedules, deps_.loop.clock());
  o.history = history_;
  o.refusal = object.pool->deleting ? "" : pod_check_.refusal();
  o.keys_trouble = deps_.keys == nullptr ? "" : deps_.keys->trouble(ns_);
  return o;
}

bool PoolController::may_create(const PoolObject& object) {
  // Both ask for another round once what is missing is there. A worker without the keys would
  // refuse every call.
  const bool keyed = deps_.keys == nullptr || deps_.keys->published(ns_);
  const bool guarded = object.pool->deleting || guard_.hold(object);
  return keyed && guarded;
}

void PoolController::list_holders(const std::function<bool(const PodView&)>& lost,
                                  std::vector<KeyHolder>& out) const {
  for (const auto& [name, member] : members_) {
    if (member.pod->finished || lost(*member.pod)) {
      continue;
    }
    KeyHolder h;
    h.name = ns_ + "/" + name;
    h.started = !member.pod->never_started;
    const bool heard = member.poller && member.poller->slots();
    h.readable = heard && !member.poller->silent();
    if (heard && member.poller->slots()->keys) {
      const auto& keys = *member.poller->slots()->keys;
      h.keys = std::set<std::string>(keys.begin(), keys.end());
    }
    out.push_back(std::move(h));
  }
}

void PoolController::begin(const PoolObject& object) {
  if (pool_uid_ == object.uid) {
    return;
  }
  pool_uid_ = object.uid;
  last_status_ = nullptr;
  status_call_.cancel();
  status_retry_.cancel();
  status_writing_ = false;
  deletion_announced_ = false;
  const Json* desired = find_path(object.status, {"workers", "desired"});
  if (desired != nullptr && desired->is_number_integer() && *desired > 0) {
    history_.target = desired->get<std::int64_t>();
  }
}

void PoolController::remember_revision(const PoolObject& object) {
  if (object.revision.empty()) {
    return;
  }
  std::set<std::string> in_use;
  for (const auto& [name, member] : members_) {
    if (member.pod->controller_uid == object.uid) {
      in_use.insert(member.pod->revision);
    }
  }
  revisions_.keep(object.pool, object.revision, in_use);
}

std::optional<TimePoint> PoolController::reconcile(const PoolObject& object,
                                                   const std::string& pod_cache_version) {
  const TimePoint now = deps_.loop.clock().now();
  begin(object);
  if (!object.pool) {
    write_status(object, make_invalid_status(object.status, object.generation, *object.error,
                                             deps_.loop.clock().wall_now()));
    return std::nullopt;
  }
  if (!object.pool->deleting) {
    budget_.keep(object.uid);
    pod_check_.look(object.pool, object.revision);
  }
  remember_revision(object);
  const Observed observed = observe(object, pod_cache_version);
  check_epochs(observed);

  Plan p = plan(observed, now);
  history_ = std::move(p.history);
  reaction_.begin(p.scaling.load.used + p.scaling.load.waiting, now);
  carry_out(object, std::move(p.actions));
  p.history = history_;
  reaction_.end(p.scaling.short_by);
  announce(p, object);
  return report(object, observed, p);
}

void PoolController::carry_out(const PoolObject& object, std::vector<Action> actions) {
  if (!may_create(object)) {
    std::erase_if(actions, [](const Action& a) { return a.kind == Action::Kind::kCreate; });
  }
  applier_.apply(
      *object.pool, actions,
      {.target =
           [this](const std::string& worker) {
             const auto it = members_.find(worker);
             return it == members_.end() ? control::WorkerTarget{} : it->second.pod->target();
           },
       .revision = [this](const std::string& revision) { return revisions_.find(revision); }},
      history_);
}

void PoolController::announce(const Plan& p, const PoolObject& object) {
  const EventRecorder::Regarding about{ns_, name_, pool_uid_};
  for (const Notice& notice : p.notices) {
    log_.info("rollout", {{"reason", notice.reason}, {"state", notice.message}});
    deps_.events.record(about, notice.reason, notice.message, notice.warning);
  }
  if (p.scaling.sentence != last_sentence_) {
    last_sentence_ = p.scaling.sentence;
    log_.debug("planned", {{"decision", p.scaling.sentence}});
  }
  if (!p.deletion) {
    return;
  }
  if (p.deletion->done) {
    guard_.release(object);
  } else if (!deletion_announced_) {
    deletion_announced_ = true;
    log_.info("the pool is being deleted", {{"state", p.deletion->waits_for}});
    deps_.events.record(about, "DeletionWaiting", p.deletion->waits_for, false);
  }
}

std::optional<TimePoint> PoolController::report(const PoolObject& object, const Observed& observed,
                                                const Plan& p) {
  const TimePoint now = deps_.loop.clock().now();
  const PoolCounts counts = count(observed, p, now);
  deps_.metrics.update(ns_, name_, counts, p.scaling.limit);
  for (const Duration took : drains_.update(observed.workers, now)) {
    deps_.metrics.drained(took);
  }
  deps_.metrics.draining_since(ns_, name_, drains_.oldest());
  std::optional<TimePoint> wake = sooner(p.wake_at, applier_.retry_at());
  if (p.deletion && p.deletion->done) {
    return wake;  // It goes in this moment.
  }
  const Json& before = last_status_.is_null() ? object.status : last_status_;
  const Json status = make_status(observed, p, counts, {deps_.nodes.forbidden(), budget_.trouble()},
                                  before, deps_.loop.clock().wall_now());
  switch (status_gate_.judge(before, status, now)) {
    case StatusGate::Verdict::kWrite:
      write_status(object, status);
      break;
    case StatusGate::Verdict::kLater:
      wake = sooner<TimePoint>(wake, status_gate_.write_at());
      break;
    case StatusGate::Verdict::kNothing:
      break;
  }
  return wake;
}

void PoolController::write_status(const PoolObject& object, const Json& status) {
  if (status_writing_ || !deps_.leader.may_write() ||
      status == (last_status_.is_null() ? object.status : last_status_)) {
    return;
  }
  const Json before = last_status_.is_null() ? object.status : last_status_;
  status_writing_ = true;
  // The uid guards against a pool that was deleted and made again under this name. A merge patch
  // would keep fields that we dropped; null removes them.
  Json patch = {{"metadata", {{"uid", object.uid}}}, {"status", status}};
  for (const char* field : {"lastScale", "scaling"}) {
    if (!status.contains(field)) {
      patch["status"][field] = nullptr;
    }
  }
  status_call_ = deps_.client.merge_patch(kube::kSessionPools, ns_, name_, patch, "status",
                                          [this, before, status](const Result<Json>& r) {
                                            status_call_.release();
                                            status_written(before, status,
                                                           r ? Status() : Status(fail(r.error())));
                                          });
}

void PoolController::status_written(const Json& before, const Json& status, const Status& answer) {
  status_gate_.written(deps_.loop.clock().now());
  if (answer) {
    status_writing_ = false;
    status_backoff_.reset();
    last_status_ = status;
    if (const auto notice = trouble_notice(before, status)) {
      deps_.events.record({ns_, name_, pool_uid_}, notice->reason, notice->message,
                          notice->warning);
    }
    changed_();
    return;
  }
  if (answer.error().code == ErrorCode::kNotFound) {
    status_writing_ = false;
    return;
  }
  log_.warn("writing the pool's status failed", {{"error", answer.error()}});
  // Until then "writing", so that the rounds in between do not ask an overloaded server again.
  status_retry_ = deps_.loop.call_after(status_backoff_.next(answer.error()), [this] {
    status_writing_ = false;
    changed_();
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
