#pragma once

#include <string>
#include <string_view>

#include "berth/auth/session_token.h"

namespace berth::auth {

/// A short stand-in for an owner's name, the same everywhere: what a worker counts sessions by when
/// it tells gateways. Names stay out of it, and its length is fixed. Empty for no owner.
inline std::string owner_key(std::string_view owner) {
  constexpr std::size_t kDigits = 16;
  return owner.empty() ? std::string() : sha256_hex(owner).substr(0, kDigits);
}

}  // namespace berth::auth
