#pragma once

#include <memory>

#include "berth/http/server.h"
#include "gateway/api/authorize.h"
#include "gateway/placement/worker_table.h"
#include "gateway/workers/pool_catalog.h"
#include "gateway/workers/worker_client.h"

namespace berth::gateway {

/// GET /v1/namespaces/{ns}/pools/{pool}/sessions: asks all workers of the pool.
///
///     {"sessions": [...], "unreadable": [{"worker", "code", "message"}], "truncated": false}
///
/// What a worker that could not be asked holds is missing; `unreadable` names it.
class ListRoute {
 public:
  struct Settings {
    std::size_t concurrency = 32;
    std::size_t max_sessions = 10'000;
  };
  ListRoute(const PoolCatalog& pools, const WorkerTable& workers, WorkerClient& client, Door door,
            Settings settings)
      : pools_(pools), workers_(workers), client_(client), door_(door), settings_(settings) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  class Call;
  const PoolCatalog& pools_;
  const WorkerTable& workers_;
  WorkerClient& client_;
  Door door_;
  Settings settings_;
};

}  // namespace berth::gateway
