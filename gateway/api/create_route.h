#pragma once

#include <memory>

#include "berth/http/server.h"
#include "gateway/api/authorize.h"
#include "gateway/creation/session_creator.h"

namespace berth::gateway {

/// POST /v1/namespaces/{ns}/pools/{pool}/sessions. Each request gets one audit line when it is
/// decided or its caller has gone; answers that only say "still waiting" decide nothing.
class CreateRoute {
 public:
  CreateRoute(SessionCreator& creator, Door door) : creator_(creator), door_(door) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  static Access access_of(const http::Exchange& exchange);
  void create(const std::shared_ptr<http::Exchange>& exchange, const Identity& caller);
  void audit(const http::Exchange& exchange, const Identity& caller, const std::string& session,
             std::string_view worker, std::string_view outcome) const;

  SessionCreator& creator_;
  Door door_;
};

}  // namespace berth::gateway
