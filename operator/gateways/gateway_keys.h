#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/control/long_poll.h"
#include "operator/keys/key_model.h"

namespace berth::op {

/// Long-polls `GET /v1/keys` of every gateway. Loop thread only.
class GatewayKeysTracker {
 public:
  /// `on_change` runs when a gateway reports other keys, falls silent or comes back.
  GatewayKeysTracker(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                     Random& random, std::function<void()> on_change);
  ~GatewayKeysTracker();

  void set_gateways(const std::vector<std::string>& origins);
  std::vector<KeyHolder> holders() const;

 private:
  class Poll;
  EventLoop& loop_;
  http::Transport& transport_;
  auth::TokenSigner& signer_;
  Random& random_;
  std::function<void()> on_change_;
  std::map<std::string, std::unique_ptr<Poll>> polls_;  ///< By origin.
};

}  // namespace berth::op
