#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "berth/http/server.h"
#include "gateway/api/audit.h"
#include "gateway/api/authenticator.h"

namespace berth::gateway {

/// The door that every call with a caller's own credentials goes through.
struct Door {
  Authenticator& authenticator;
  const AuditLog& audit;
};

/// Asks about the exchange's caller and goes on with `then`, or answers with the error and writes
/// the refusal to the audit log.
void authorize(const Door& door, const std::shared_ptr<http::Exchange>& exchange,
               const Access& access, std::function<void(const Identity&)> then);

/// The event of what this caller asked for; `outcome` and what came of it are filled in by the
/// route.
AuditEvent event_of(const Access& access, const http::Exchange& exchange);

/// A whole number of the query, or `absent`. Errors name the parameter.
Result<std::int64_t> int_query(const http::Request& request, std::string_view name,
                               std::int64_t absent, std::int64_t min, std::int64_t max);
/// "true" or "false" of the query; false when absent.
Result<bool> bool_query(const http::Request& request, std::string_view name);

}  // namespace berth::gateway
