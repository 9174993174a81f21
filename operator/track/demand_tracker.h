#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/http/transport.h"
#include "operator/gateways/gateway_finder.h"
#include "operator/model/observed.h"

namespace berth::op {

/// Long-polls `GET /v1/demand` of every gateway for the pools it is told of. Loop thread only.
class DemandTracker {
 public:
  struct Settings {
    std::chrono::seconds wait{25};
    Duration patience = std::chrono::seconds(15);
  };
  /// `on_change(key)` runs when what waits for "namespace/pool" changed, or a gateway fell silent
  /// or came back.
  DemandTracker(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                Random& random, Settings settings,
                std::function<void(const std::string& key)> on_change);
  ~DemandTracker();

  /// Whom to ask. Before the first call nothing is known of any gateway.
  void set_gateways(GatewayList gateways);
  void add_pool(const std::string& ns, const std::string& pool);
  void remove_pool(const std::string& ns, const std::string& pool);

  /// The union over gateways: an id that waits at two counts once. Unreadable until every gateway
  /// is known and has answered, and again when one has been silent for wait + patience.
  PoolDemand demand(const std::string& ns, const std::string& pool) const;

 private:
  class Poll;
  EventLoop& loop_;
  http::Transport& transport_;
  auth::TokenSigner& signer_;
  Random& random_;
  Settings settings_;
  std::function<void(const std::string&)> on_change_;
  using Polls = std::map<std::string, std::unique_ptr<Poll>>;  // by the gateway's origin
  struct Pool {
    std::string ns;
    std::string name;
    Polls polls;
  };
  void match(Pool& pool);
  GatewayList gateways_;
  std::map<std::string, Pool> pools_;
};

}  // namespace berth::op
