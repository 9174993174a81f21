#include "operator/apply/applier.h"

#include <algorithm>
#include <iterator>

#include "berth/base/backoff.h"
#include "berth/kube/object.h"
#include "berth/kube/reflector.h"

namespace berth::op {
namespace {

using Kind = Action::Kind;

constexpr std::int64_t kRetiredGraceSeconds = 5;
constexpr int kMostCreatesAtOnce = 64;
constexpr std::size_t kMostRevisions = 16;
constexpr Backoff::Settings kRetryBackoff{std::chrono::milliseconds(200), std::chrono::minutes(1),
                                          2.0, 0.5};

// A create that was sent. `version` is set once it was answered; the cache has caught up when it
// shows the name with that uid or has passed that version.
struct Create {
  TimePoint sent{};
  std::string revision;
  std::string uid;
  std::string version;
  Cancel call;
};

struct Removal {
  bool done = false;  // Deleted; only the cache does not know yet.
  Cancel call;
};

struct Retry {
  Backoff backoff;
  TimePoint not_before{};
};

std::string retry_key(const Action& a) {
  return a.kind == Kind::kCreate ? "creates of " + a.revision : a.uid;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return "create";
    case Kind::kDelete:
      return "delete";
    case Kind::kRetire:
      return "retire";
    case Kind::kCordon:
      return "cordon";
    case Kind::kUncordon:
      return "uncordon";
    case Kind::kDrain:
      return "drain";
  }
  return "";
}

}  // namespace

struct Applier::Impl {
  Impl(EventLoop& l, kube::Client& c, control::WorkerControl& w, Random& rnd, RenderSettings r,
       Log g, Hooks h)
      : loop(l),
        client(c),
        control(w),
        random(rnd),
        render(std::move(r)),
        log(std::move(g)),
        hooks(std::move(h)) {}

  EventLoop& loop;
  kube::Client& client;
  control::WorkerControl& control;
  Random& random;
  RenderSettings render;
  Log log;
  Hooks hooks;

  std::map<std::string, Create> creates;    // By name.
  std::map<std::string, Removal> removals;  // By uid.
  std::map<std::string, Retry> retries;     // By retry_key().
  std::map<std::string, TimePoint> told;    // Drain deadlines that workers took, by uid.
  std::set<std::string> new_taken;          // Names that turned out to be somebody else's.
  // Slow start, by revision: doubles with each success, back to one after a failure, so that a
  // broken template costs one refusal.
  std::map<std::string, int> creates_allowed;

  int allowed(const std::string& revision) {
    return creates_allowed.try_emplace(revision, 1).first->second;
  }
  int creates_sent(const std::string& revision) const {
    return static_cast<int>(std::count_if(creates.begin(), creates.end(), [&](const auto& c) {
      return c.second.uid.empty() && c.second.revision == revision;
    }));
  }

  void failed(const Action& a, const Error& e, std::string_view doing) {
    auto [it, fresh] = retries.try_emplace(retry_key(a), Retry{Backoff(kRetryBackoff, random)});
    const Duration delay = it->second.backoff.next(e);
    it->second.not_before = loop.clock().now() + delay;
    log.warn("action failed", {{"action", doing},
                               {"worker", a.worker},
                               {"error", e},
                               {"retry_seconds", std::chrono::duration<double>(delay).count()}});
    hooks.changed();
  }

  void succeeded(const Action& a) {
    retries.erase(retry_key(a));
    hooks.changed();
  }

  bool held_back(const Action& a) const {
    const auto it = retries.find(retry_key(a));
    return it != retries.end() && loop.clock().now() < it->second.not_before;
  }

  void create(const api::SessionPool& pool, const Action& a, History& history) {
    if (creates.contains(a.worker) || creates_sent(a.revision) >= allowed(a.revision)) {
      return;
    }
    if (a.rated) {
      history.created.push_back(loop.clock().now());
    }
    Create& c = creates[a.worker];
    c.sent = loop.clock().now();
    c.revision = a.revision;
    log.info("creating worker", {{"worker", a.worker}, {"revision", a.revision}, {"why", a.why}});
    c.call =
        client.create(kube::kPods, pool.ns, render_worker_pod(pool, a.worker, render),
                      [this, a, pool_uid = pool.uid, ns = pool.ns](Result<Json> r) {
                        hooks.create_answered(a.revision, r ? Status() : Status(fail(r.error())));
                        created(a, pool_uid, ns, std::move(r));
                      },
                      {.dry_run = false, .strict = true});
    if (a.rated) {
      hooks.rated_create_sent();
    }
  }

  void created(const Action& a, const std::string& pool_uid, const std::string& ns,
               Result<Json> r) {
    Create& c = creates[a.worker];
    c.call.release();
    if (r) {
      int& at_once = creates_allowed[a.revision];
      at_once = std::min(at_once * 2, kMostCreatesAtOnce);
      accept(a.worker, *r);
      hooks.event("WorkerCreated", "created worker " + a.worker + ": " + a.why, false);
      succeeded(a);
      return;
    }
    creates_allowed[a.revision] = 1;
    const Error e = r.error();
    if (e.code == ErrorCode::kAlreadyExists || e.reason == "ConnectionLost" ||
        e.code == ErrorCode::kDeadlineExceeded) {
      look_who_has_it(a, pool_uid, ns);
      return;
    }
    creates.erase(a.worker);
    hooks.event("CreateFailed", "creating worker " + a.worker + ": " + e.text(), true);
    failed(a, e, "create");
  }

  // The name is taken, or the answer was lost: a live read decides whether the pod is ours.
  void look_who_has_it(const Action& a, const std::string& pool_uid, const std::string& ns) {
    creates[a.worker].call =
        client.get(kube::kPods, ns, a.worker, [this, a, pool_uid](Result<Json> r) {
          Create& c = creates[a.worker];
          c.call.release();
          if (r && kube::controller_uid(*r) == pool_uid) {
            accept(a.worker, *r);
            succeeded(a);
            return;
          }
          creates.erase(a.worker);
          if (r) {
            new_taken.insert(a.worker);
            log.warn("a pod name is taken by somebody else", {{"worker", a.worker}});
            hooks.event("NameTaken", "pod " + a.worker + " exists and is not of this pool", true);
            hooks.changed();
          } else {
            failed(a, r.error(), "create");
          }
        });
  }

  void accept(const std::string& name, const Json& pod) {
    creates[name].uid = kube::uid_of(pod);
    creates[name].version = kube::version_of(pod);
  }

  void end(const Action& a) {
    removals.erase(a.uid);
    succeeded(a);
  }

  void retire(const std::string& ns, const Action& a, const control::WorkerTarget& target) {
    removals[a.uid].call = control.retire(target, [this, ns, a](Status s) {
      removals[a.uid].call.release();
      if (s) {
        hooks.event("WorkerRetired", "worker " + a.worker + " retired: " + a.why, false);
        remove(ns, a, kRetiredGraceSeconds);
        return;
      }
      if (s.error().code == ErrorCode::kConflict) {
        log.info("worker is in use again, left alone", {{"worker", a.worker}});
        end(a);
        return;
      }
      removals.erase(a.uid);
      failed(a, s.error(), "retire");
    });
  }

  void remove(const std::string& ns, const Action& a, std::optional<std::int64_t> grace) {
    if (!hooks.may_write()) {
      removals.erase(a.uid);
      return;
    }
    log.info("deleting worker", {{"worker", a.worker}, {"why", a.why}});
    removals[a.uid].call = client.remove(
        kube::kPods, ns, a.worker, {a.uid, a.resource_version}, grace, [this, a](Result<Json> r) {
          removals[a.uid].call.release();
          if (r || r.error().code == ErrorCode::kNotFound) {
            removals[a.uid].done = true;
            hooks.event("WorkerDeleted", "deleted worker " + a.worker + ": " + a.why, false);
            succeeded(a);
            return;
          }
          if (r.error().code == ErrorCode::kConflict) {
            end(a);  // It is not what we saw: look again.
            return;
          }
          removals.erase(a.uid);
          failed(a, r.error(), "delete");
        });
  }

  // Cordon, uncordon and drain.
  void turn(const Action& a, const control::WorkerTarget& target) {
    auto done = [this, a](Status s) {
      removals[a.uid].call.release();
      if (!s) {
        removals.erase(a.uid);
        failed(a, s.error(), name_of(a.kind));
        return;
      }
      log.info("worker switched", {{"to", name_of(a.kind)}, {"worker", a.worker}, {"why", a.why}});
      if (a.kind == Kind::kDrain) {
        told[a.uid] = a.deadline;
        hooks.event("WorkerDraining", "worker " + a.worker + " drains: " + a.why, false);
      } else if (a.kind == Kind::kUncordon) {
        told.erase(a.uid);
      }
      end(a);
    };
    Cancel& call = removals[a.uid].call;
    if (a.kind == Kind::kDrain) {
      const Duration left = a.deadline - loop.clock().now();
      call = control.drain(target, hooks.epoch(), left, std::move(done));
    } else if (a.kind == Kind::kCordon) {
      call = control.cordon(target, hooks.epoch(), std::move(done));
    } else {
      call = control.uncordon(target, hooks.epoch(), std::move(done));
    }
  }
};

Applier::Applier(EventLoop& loop, kube::Client& client, control::WorkerControl& control,
                 Random& random, RenderSettings render, Log log, Hooks hooks)
    : impl_(std::make_unique<Impl>(loop, client, control, random, std::move(render), std::move(log),
                                   std::move(hooks))) {}
Applier::~Applier() = default;

void Applier::apply(const api::SessionPool& pool, const std::vector<Action>& actions,
                    const Book& book, History& history) {
  for (const Action& a : actions) {
    if (!impl_->hooks.may_write()) {
      return;
    }
    if (impl_->held_back(a)) {
      continue;
    }
    if (a.kind == Kind::kCreate) {
      if (const auto as_it_was = book.revision(a.revision)) {
        impl_->create(*as_it_was, a, history);
      }
      continue;
    }
    if (impl_->removals.contains(a.uid)) {
      continue;
    }
    const control::WorkerTarget where =
        a.kind == Kind::kDelete ? control::WorkerTarget{} : book.target(a.worker);
    if (a.kind != Kind::kDelete && where.origin.empty()) {
      continue;
    }
    if (a.rated) {
      history.removed.push_back(impl_->loop.clock().now());
    }
    if (a.kind == Kind::kDelete) {
      // A pod that ended or never started needs no grace; one whose node is gone cannot use it.
      impl_->remove(pool.ns, a, std::nullopt);
    } else if (a.kind == Kind::kRetire) {
      impl_->retire(pool.ns, a, where);
    } else {
      impl_->turn(a, where);
    }
  }
  history.taken_names.insert(impl_->new_taken.begin(), impl_->new_taken.end());
}

void Applier::overlay(std::vector<Worker>& workers, const std::string& cache_version,
                      TimePoint now) {
  for (auto it = impl_->creates.begin(); it != impl_->creates.end();) {
    const auto seen = std::find_if(workers.begin(), workers.end(),
                                   [&](const Worker& w) { return w.name == it->first; });
    const Create& c = it->second;
    const bool known = !c.uid.empty() && ((seen != workers.end() && seen->uid == c.uid) ||
                                          kube::newer_version(cache_version, c.version));
    if (known) {
      it = impl_->creates.erase(it);
      continue;
    }
    if (seen == workers.end()) {
      Worker w;
      w.name = it->first;
      w.revision = c.revision;
      w.created_at = now;
      workers.push_back(std::move(w));
    }
    ++it;
  }
  for (auto it = impl_->removals.begin(); it != impl_->removals.end();) {
    const auto seen = std::find_if(workers.begin(), workers.end(),
                                   [&](const Worker& w) { return w.uid == it->first; });
    if (seen == workers.end()) {
      // Gone from the cache; if an answer is still due it changes nothing any more.
      impl_->retries.erase(it->first);
      it = it->second.done ? impl_->removals.erase(it) : std::next(it);
      continue;
    }
    if (it->second.done && seen->deleting) {
      it = impl_->removals.erase(it);
      continue;
    }
    seen->removing = true;
    ++it;
  }
  std::set<std::string> here;
  std::set<std::string> revisions;
  for (Worker& w : workers) {
    here.insert(w.uid);
    revisions.insert(w.revision);
    if (const auto it = impl_->told.find(w.uid); it != impl_->told.end()) {
      w.told = it->second;
    }
  }
  std::erase_if(impl_->told, [&](const auto& t) { return !here.contains(t.first); });
  if (impl_->creates_allowed.size() > kMostRevisions) {
    std::erase_if(impl_->creates_allowed,
                  [&](const auto& r) { return !revisions.contains(r.first); });
  }
  std::sort(workers.begin(), workers.end(),
            [](const Worker& a, const Worker& b) { return a.name < b.name; });
}

std::optional<TimePoint> Applier::retry_at() const {
  std::optional<TimePoint> earliest;
  for (const auto& [key, retry] : impl_->retries) {
    if (!earliest || retry.not_before < *earliest) {
      earliest = retry.not_before;
    }
  }
  return earliest;
}

}  // namespace berth::op
