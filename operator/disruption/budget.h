#pragma once

#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"

namespace berth::op {

/// The PodDisruptionBudget of a pool: "<pool>-workers", owned by it, minAvailable 2147483647, so
/// that the Eviction API takes no worker, however many there are; the operator moves them itself
/// when their node leaves. An integer, because a share or maxUnavailable would count by /scale and
/// let busy workers go during a surge or after a scale-down.
Json render_budget(const std::string& ns, const std::string& pool, const std::string& pool_uid);

/// Keeps that object there. Loop thread only; destroying it stops it, the object goes with its
/// pool. Looked at when made and every ten minutes; a failure is logged in one line and tried again
/// after a minute.
class BudgetKeeper {
 public:
  BudgetKeeper(EventLoop& loop, kube::Client& client, Log log, std::string ns, std::string pool);
  /// Idempotent; another uid begins anew. Call it only while leading.
  void keep(const std::string& pool_uid);
  /// Why there is no budget; empty while there is one or nobody knows yet.
  const std::string& trouble() const { return trouble_; }

 private:
  void look();
  void create();
  void repair(const Json& found);
  void settle(const std::string& trouble);

  EventLoop& loop_;
  kube::Client& client_;
  const Log log_;
  const std::string ns_;
  const std::string pool_;
  std::string pool_uid_;
  std::string trouble_;
  Cancel call_;
  Cancel timer_;
};

}  // namespace berth::op
