#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "berth/control/worker_control.h"
#include "berth/kube/client.h"
#include "operator/model/observed.h"
#include "operator/plan/action.h"
#include "operator/render/worker_pod.h"

namespace berth::op {

/// Carries out one pool's actions. One per pool, loop thread only. Destroying it abandons what is
/// on its way: every action is safe to be half done and planned again.
class Applier {
 public:
  struct Hooks {
    std::function<bool()>
        may_write;  ///< Still the leader by our own clock: asked before each write.
    std::function<std::int64_t()> epoch;
    std::function<void()> changed;  ///< An answer came: plan again.
    std::function<void(std::string reason, std::string message, bool warning)> event;
    std::function<void()> rated_create_sent;  ///< One that scaling decided on.
    /// What the API server said to a pod of that revision.
    std::function<void(const std::string& revision, const Status& answer)> create_answered;
  };
  Applier(EventLoop& loop, kube::Client& client, control::WorkerControl& control, Random& random,
          RenderSettings render, Log log, Hooks hooks);
  ~Applier();

  /// Where actions find what they work on.
  struct Book {
    /// A worker's address by name; an empty origin if it has none.
    std::function<control::WorkerTarget(const std::string& worker)> target;
    /// The pool as it was when it had this revision; null: not known any more.
    std::function<std::shared_ptr<const api::SessionPool>(const std::string& revision)> revision;
  };

  /// Starts the actions that are not on their way already and not held back after a failure: each
  /// worker has a backoff of its own, and so have the creates of each revision, so that an
  /// unreachable worker or a broken template holds up nobody else.
  void apply(const api::SessionPool& pool, const std::vector<Action>& actions, const Book& book,
             History& history);

  /// Lays what is on its way, or done but not yet seen in the cache, over `workers`; forgets what
  /// the cache shows. `cache_version` is the reflector's newest resourceVersion.
  void overlay(std::vector<Worker>& workers, const std::string& cache_version, TimePoint now);

  /// When the next action that is held back may be tried again.
  std::optional<TimePoint> retry_at() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
