#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/http/transport.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "operator/render/worker_pod.h"

namespace berth::auth {
class SigningKey;
}

namespace berth::op {

struct OperatorSettings {
  std::string ns;               ///< Namespace to watch; empty: all.
  std::string lease_namespace;  ///< Where the Lease lives.
  std::string lease_name = "berth-operator";
  std::string identity;               ///< Host name and a random part.
  std::vector<std::string> gateways;  ///< Origins whose waiting lines count as demand.
  RenderSettings render;
  int concurrency = 4;
};

/// The operator as a whole: leader election, then pools, pods and nodes followed and reconciled.
/// Loop thread only.
class Operator {
 public:
  /// `workers` carries the calls to workers and gateways. `lease_client` serves the Lease alone, so
  /// that lists cannot starve it. All outlive the operator. `lost` runs when leadership is lost:
  /// exit the process at once.
  Operator(EventLoop& loop, kube::Client& client, kube::Client& lease_client,
           http::Transport& workers, auth::SigningKey key, Random& random,
           OperatorSettings settings, const Log& log, Metrics& metrics, std::function<void()> lost);
  ~Operator();

  void start();
  /// Lets running reconciles end, gives the Lease back, then `done`.
  void stop(std::function<void()> done);

  /// Caches synced (a standby's too).
  bool ready() const;
  /// No reconcile is stuck and the Lease, if held, is being renewed.
  bool healthy() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
