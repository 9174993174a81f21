#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "berth/http/server.h"
#include "gateway/api/overview_routes.h"
#include "gateway/placement/demand_board.h"

namespace berth::gateway {

/// What a replica says of its control keys.
struct OwnKeys {
  std::set<std::string> accepted;  ///< Ids of the operators' keys that it knows, and its like's.
  std::string signing;             ///< Id of the key that it signs with.
};

/// GET /v1/keys?replica=&after=&wait=: which control keys this replica accepts and signs with, for
/// the operator, who waits with a new key until all know it. A long poll, as GET /v1/demand.
class KeysRoute {
 public:
  KeysRoute(EventLoop& loop, std::int64_t first_version, std::string replica,
            std::function<OwnKeys()> keys, DemandRoute::VerifyOperator verify);
  void handle(const std::shared_ptr<http::Exchange>& exchange);
  /// The keys are others now.
  void changed() { board_.changed("", 0); }

 private:
  void answer(http::Exchange& exchange) const;

  DemandBoard board_;
  const std::string replica_;
  const std::function<OwnKeys()> keys_;
  const DemandRoute::VerifyOperator verify_;
};

}  // namespace berth::gateway
