#pragma once

#include <string>
#include <string_view>

#include "berth/base/json.h"

namespace berth::cli {

/// A condition of a SessionPool as the API server gives it; null: it has none of that type.
const Json* pool_condition(const Json& pool, std::string_view type);
/// In one word: the reason of its condition Ready, "Unknown" before the operator has looked at it.
std::string pool_state(const Json& pool);

}  // namespace berth::cli
