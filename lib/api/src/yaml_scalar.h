#pragma once

#include <string>
#include <string_view>

#include "berth/base/json.h"

namespace berth::api {

/// The value of a plain (unquoted) scalar by YAML 1.2's core schema: null, true, 12, 0x1F,
/// 0o17, 1.5e3; all else is a string ("yes" and "on" too). An error for numbers that JSON cannot
/// carry: .inf, .nan, beyond 64 bits.
Result<Json> resolve_plain(std::string_view text);

/// The text as it can stand in a block-style YAML document and read back as this very string: plain
/// where no reader, of YAML 1.1 or 1.2, could take it for anything else; else in double quotes.
/// Invalid UTF-8 becomes U+FFFD.
std::string quote_if_needed(std::string_view text);

}  // namespace berth::api
