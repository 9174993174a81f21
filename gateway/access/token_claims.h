#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/clock.h"

namespace berth::gateway {

/// What a token says of itself. Nothing here has been verified: good for refusing sooner and for
/// messages, never for letting anybody in. Tokens that are no JWTs say nothing.
struct TokenClaims {
  std::optional<WallTime> expires;
  std::vector<std::string> audiences;  ///< At most 8.

  static TokenClaims read(std::string_view token);
};

}  // namespace berth::gateway
