#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "berth/http/server.h"
#include "gateway/api/authenticator.h"

namespace berth::gateway {

/// Asks `authenticator` about the exchange's caller and goes on with `then`, or answers with the
/// error.
void authorize(Authenticator& authenticator, const std::shared_ptr<http::Exchange>& exchange,
               const Access& access, std::function<void(const Identity&)> then);

/// A whole number of the query, or `absent`. Errors name the parameter.
Result<std::int64_t> int_query(const http::Request& request, std::string_view name,
                               std::int64_t absent, std::int64_t min, std::int64_t max);

}  // namespace berth::gateway
