#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "berth/http/server.h"
#include "gateway/api/authorize.h"
#include "gateway/creation/session_creator.h"
#include "gateway/placement/demand_board.h"

namespace berth::gateway {

/// GET /v1/pools[?namespace=]: pools with their workers and slots, as this replica sees them.
///
///     {"pools": [{"namespace", "name", "deleting", "waiting", "workers": {"total", "ready",
///     "unreadable"},
///                 "slots": {"capacity", "used", "free"}}]}
///
/// With ?members=true also "members", at most 1,000 a pool: {"name", "state", "ready", "capacity",
/// "used", "sessions", "activities"}; state is a WorkerState, Starting, Unreadable or Terminating.
class PoolsRoute {
 public:
  PoolsRoute(const PoolCatalog& pools, const WorkerTable& workers, const SessionCreator& creator,
             Door door)
      : pools_(pools), workers_(workers), creator_(creator), door_(door) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  Json describe(const std::string& key, const PoolInfo& pool, bool members) const;

  const PoolCatalog& pools_;
  const WorkerTable& workers_;
  const SessionCreator& creator_;
  Door door_;
};

/// GET /v1/demand?namespace=&pool=&replica=&after=&wait=: who waits in a pool, for the operator. A
/// long poll: answers at once if `after` is not the version now or `replica` is not us, else when
/// it changes or after `wait` seconds.
class DemandRoute {
 public:
  /// Whether a bearer token is a control token with scope operate, made out to "berth-gateway".
  using VerifyOperator = std::function<Status(std::string_view token)>;

  DemandRoute(DemandBoard& board, const SessionCreator& creator, const Clock& clock,
              std::string replica, VerifyOperator verify)
      : board_(board),
        creator_(creator),
        clock_(clock),
        replica_(std::move(replica)),
        verify_(std::move(verify)) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  void answer(http::Exchange& exchange, const std::string& ns, const std::string& pool) const;

  DemandBoard& board_;
  const SessionCreator& creator_;
  const Clock& clock_;
  std::string replica_;
  VerifyOperator verify_;
};

}  // namespace berth::gateway
