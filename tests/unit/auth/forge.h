#pragma once

#include <string>
#include <string_view>

#include "berth/auth/control_token.h"
#include "berth/base/json.h"

namespace berth::auth {

/// Makes tokens that our own code would not, with OpenSSL only: a second implementation to test
/// against.
std::string ed25519_sign(const std::string& private_jwk, std::string_view message);
std::string hs256_sign(std::string_view secret, std::string_view message);

/// header.payload, both in base64url.
std::string signing_input(const std::string& header, const std::string& payload);
/// The whole token, signed by `key` over exactly these texts.
std::string forge(const SigningKey& key, const std::string& header, const std::string& payload);
/// As a well-behaved signer does it, with `claims` as they are.
std::string forge(const SigningKey& key, const Json& claims);

}  // namespace berth::auth
