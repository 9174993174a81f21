#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::kube {

/// Standard base64 with padding; white space between is allowed. Nothing when it is no such text.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace berth::kube
