#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "berth/auth/control_token.h"
#include "berth/http/server.h"
#include "berth/kube/object.h"
#include "berth/observe/metrics.h"
#include "worker/activity/executor.h"
#include "worker/api/worker_api.h"
#include "worker/config/worker_settings.h"
#include "worker/service/worker_service.h"

namespace berth::bench {

/// What a kubelet would know of a worker pod when it starts its container.
struct PodStart {
  std::string uid;
  std::string address;
  std::map<std::string, std::string> environment;

  /// Nothing while the pod has no address.
  static std::optional<PodStart> from(const Json& pod);
  bool operator==(const PodStart&) const = default;
};

/// What all workers of one process share. Outlives them; loop thread only.
struct WorkerCommons {
  explicit WorkerCommons(Log l) : log(std::move(l)) {}

  AsioLoop loop;
  SystemRandom random;
  Log log;
  std::string jwks;  ///< Text of the key set that their pods would mount.
  Metrics metrics;
  worker::WorkerMetrics worker_metrics{metrics};
  worker::ActivityRegistry activities;  ///< None.
};

/// A worker that answers at its pod's address: the worker's own session table, service and routes,
/// and its check of control tokens, made out to the pod's uid. It has no disk: no journal and no
/// directories, so no activities either, and a restart of the process is a new worker.
class Worker {
 public:
  /// The error says which setting of the pod is no good or why the address cannot be listened on.
  static Result<std::unique_ptr<Worker>> start(WorkerCommons& commons, const PodStart& pod);

 private:
  Worker(WorkerCommons& commons, worker::WorkerSettings settings, api::Incarnation incarnation);

  class NoLedger final : public worker::Ledger {
    Status write(const worker::Record&) override { return {}; }
  };
  class NoDirectories final : public worker::SessionDirectories {
    std::filesystem::path path(const api::SessionId& id) const override;
    Status ensure(const api::SessionId& id) override;
    Status hand_over(const api::SessionId&, const api::SessionId&) override { return {}; }
    void remove(const api::SessionId&) override {}
  };

  NoLedger ledger_;
  NoDirectories directories_;
  auth::KeySet keys_;
  worker::SessionTable table_;
  worker::WorkerService service_;
  worker::WorkerApi api_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace berth::bench
