#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/http/transport.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "operator/render/worker_pod.h"

namespace berth::op {

struct OperatorSettings {
  std::set<std::string> namespaces;  ///< To watch; empty: all.
  std::string lease_namespace;       ///< The operator's own: of the Lease, the keys, the gateways.
  std::string lease_name = "berth-operator";
  std::string identity;               ///< Host name and a random part.
  std::vector<std::string> gateways;  ///< Origins whose waiting lines count as demand ...
  std::string gateway_service;        ///< ... unless they are those of this Service.
  std::string gateway_port;           ///< Name of its port; needed if it has several.
  bool gateway_tls = false;           ///< They serve https.
  RenderSettings render;
  int concurrency = 4;
};

/// The operator as a whole: leader election, then pools, pods and nodes followed and reconciled.
/// Loop thread only.
class Operator {
 public:
  /// `workers` and `gateways` carry the calls to those. `lease_client` serves the Lease alone, so
  /// that lists cannot starve it. All outlive the operator. Without a `key` the operator keeps the
  /// cluster's control keys in Secrets and ConfigMaps (operator/keys). `lost` runs when leadership
  /// is lost: exit the process at once.
  Operator(EventLoop& loop, kube::Client& client, kube::Client& lease_client,
           http::Transport& workers, http::Transport& gateways, std::optional<auth::SigningKey> key,
           Random& random, OperatorSettings settings, const Log& log, Metrics& metrics,
           std::function<void()> lost);
  ~Operator();

  void start();
  /// The first half of the end: lets running reconciles end, then `done`. Writes nothing of its own
  /// after that.
  void stop(std::function<void()> done);
  /// The second: writes the events that are left and gives the Lease back, so that a standby leads
  /// at once; then `done`. After stop(), and after the servers have closed.
  void release(std::function<void()> done);

  /// Caches synced, but for namespaces that may not be read: their pools wait, the others do not. A
  /// standby is ready too: it serves probes and metrics, and a rollout that waited
  /// for it to lead would wait for ever.
  bool ready() const;
  /// No reconcile has run for a minute. It is asked on the loop that does all the work, so a loop
  /// that is stuck gives no answer at all and fails the probe by its timeout; a healthy answer from
  /// another thread would say nothing. A leader that could not renew needs no check here: it has
  /// exited.
  bool healthy() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
