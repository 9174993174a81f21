#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "berth/auth/control_token.h"
#include "berth/base/json.h"
#include "berth/http/server.h"
#include "worker/service/worker_service.h"

/// What the handlers have in common: who is calling, what did they send, how is it answered.
namespace berth::worker {

using ExchangePtr = std::shared_ptr<http::Exchange>;

/// Who may use the control routes. Without keys (a worker run by hand on loopback) everybody may.
class ControlGuard {
 public:
  /// `keys` outlives this; null: no check.
  explicit ControlGuard(const auth::KeySet* keys) : keys_(keys) {}
  Status check(const http::Exchange& exchange, const std::set<auth::Scope>& allowed) const;

 private:
  const auth::KeySet* keys_;
};

/// A call on one session by the bearer of its token. Keeps the lease: it is renewed when the call
/// arrives and when it is answered. Copied into whatever finishes the call.
class SessionCall {
 public:
  /// Answers the error and returns nothing if the id or the token is no good.
  static std::optional<SessionCall> open(WorkerService& service, const ExchangePtr& exchange);

  const api::SessionId& id() const { return id_; }
  const http::Exchange& exchange() const { return *exchange_; }
  const ExchangePtr& shared() const { return exchange_; }

  void reply(http::Response response) const;
  void reply(int status, const Json& body) const {
    reply(http::Response::json(status, dump_json(body)));
  }
  void reply(const Error& error) const;

 private:
  SessionCall(WorkerService& service, ExchangePtr exchange, api::SessionId id)
      : service_(&service), exchange_(std::move(exchange)), id_(std::move(id)) {}

  WorkerService* service_;
  ExchangePtr exchange_;
  api::SessionId id_;
};

std::string_view bearer(const http::Exchange& exchange);
/// The error body, with what programs need besides: {"endReason"}, {"epoch"}, {"sessions"}.
http::Response error_with(const Error& error, const Json& more);
/// For "SessionEnded": adds why it ended.
http::Response session_error(const WorkerService& service, const api::SessionId& id,
                             const Error& error);
/// The body as JSON; an empty one is {}.
Result<Json> json_body(const http::Request& request);
/// `wait` and the like: whole or broken seconds; absent 0. The error names the parameter.
Result<Duration> seconds_query(const http::Request& request, std::string_view name);
Result<std::int64_t> int_query(const http::Request& request, std::string_view name);

}  // namespace berth::worker
