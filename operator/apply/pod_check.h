#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/api/session_pool.h"
#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "operator/render/worker_pod.h"

namespace berth::op {

/// Knows what the API server has against worker pods of a pool's revision. Asks it by a dry run as
/// soon as there is a new revision, so that a template with a mistake is told of at once and not
/// when the first session needs a worker; what real creates are told is news too. A refusal is
/// asked about again each minute, for its cause may be elsewhere: a quota, the namespace's Pod
/// Security level. One per pool, loop thread only.
class PodCheck {
 public:
  /// `changed`: refusal() is another one.
  PodCheck(EventLoop& loop, kube::Client& client, Random& random, RenderSettings render,
           std::function<void()> changed);

  /// `pool` has this revision now.
  void look(const std::shared_ptr<const api::SessionPool>& pool, const std::string& revision);
  /// What a create of a worker of `revision` was told.
  void created(const std::string& revision, const Status& answer);
  /// In a sentence; empty: nothing, or not known yet.
  const std::string& refusal() const { return refusal_; }

 private:
  void ask();
  void judge(const Status& answer);
  void settle(std::string refusal);

  EventLoop& loop_;
  kube::Client& client_;
  const RenderSettings render_;
  const std::function<void()> changed_;
  std::shared_ptr<const api::SessionPool> pool_;
  std::string revision_;
  std::string refusal_;
  Backoff backoff_;
  Cancel call_;
  Cancel again_;
};

}  // namespace berth::op
