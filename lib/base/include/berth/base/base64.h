#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// Standard base64 with padding (RFC 4648, section 4). Decoding takes nothing else: no white space,
/// no bits left over.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace berth
