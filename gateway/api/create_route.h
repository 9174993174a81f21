#pragma once

#include <memory>

#include "berth/http/server.h"
#include "gateway/api/authenticator.h"
#include "gateway/creation/session_creator.h"

namespace berth::gateway {

/// POST /v1/namespaces/{ns}/pools/{pool}/sessions.
class CreateRoute {
 public:
  CreateRoute(SessionCreator& creator, Authenticator& authenticator)
      : creator_(creator), authenticator_(authenticator) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  void create(const std::shared_ptr<http::Exchange>& exchange, const Identity& caller);

  SessionCreator& creator_;
  Authenticator& authenticator_;
};

}  // namespace berth::gateway
