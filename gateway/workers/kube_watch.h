#pragma once

#include <memory>
#include <set>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"

namespace berth::gateway {

class Gateway;

/// Feeds a gateway with the pools and worker pods of the Kubernetes API. Loop thread only; all must
/// outlive it.
class KubeWatch {
 public:
  /// No namespaces: all of them.
  KubeWatch(EventLoop& loop, kube::Client& client, Random& random, Metrics& metrics, Log log,
            const std::set<std::string>& namespaces, Gateway& gateway);
  ~KubeWatch();
  void start();
  /// Pools and pods of the namespace were read whole at least once.
  bool synced(const std::string& ns) const;
  /// The same of all namespaces, but for those that we may not read.
  bool settled() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::gateway
