#pragma once

#include <optional>
#include <string>

#include "berth/auth/control_token.h"
#include "berth/base/json.h"

namespace berth::auth {

/// An Ed25519 key as written in JSON (RFC 8037), with our member "berth_scope".
struct Jwk {
  std::string key_id;
  Scope scope = Scope::kCreate;
  std::string public_bytes;
  std::string private_bytes;  ///< Empty for a public key.
};

/// 1 to 128 printable ASCII characters without spaces.
bool is_key_id(std::string_view text);
std::optional<Scope> parse_scope(std::string_view text);

/// Strict about the members we need, blind to all others (RFC 7517 §4). Errors name the member.
Result<Jwk> parse_jwk(const Json& json);
/// With `private_bytes` left out unless `with_private`.
Json to_json(const Jwk& jwk, bool with_private);
/// RFC 7638, the id of keys that we make.
std::string thumbprint(std::string_view public_bytes);

}  // namespace berth::auth
