#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "berth/base/json.h"

namespace berth::api {

/// Amounts by resource name. "session" is the slot itself and is always present in capacities;
/// others are the pool's typed resources ("gpu"). Amounts are whole and at least 0.
using Resources = std::map<std::string, std::int64_t>;
inline constexpr const char* kSlot = "session";

/// {"gpu": 1}: names [a-z0-9][a-z0-9.-]{0,62}, amounts 0..1,000,000, at most 16 of them.
Result<Resources> parse_resources(const Json& object, const std::string& path);
Json to_json(const Resources& resources);

/// The first name for which used + asked exceeds capacity (a missing capacity is 0), or empty when
/// all fit.
std::string short_of(const Resources& capacity, const Resources& used, const Resources& asked);
bool fits(const Resources& capacity, const Resources& used, const Resources& asked);
void add_to(Resources& total, const Resources& more);
void subtract_from(Resources& total, const Resources& less);

}  // namespace berth::api
