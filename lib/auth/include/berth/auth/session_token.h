#pragma once

#include <string>
#include <string_view>

#include "berth/base/error.h"
#include "berth/base/random.h"

namespace berth::auth {

/// A session token is 256 random bits, written in base64url (43 characters). Whoever holds it may
/// use the session. The worker keeps only its SHA-256; a caller that wants safe repeats makes the
/// token itself and sends only the hash.
std::string make_session_token(Random& random);

/// Lower-case hex SHA-256 of `text` (64 characters).
std::string sha256_hex(std::string_view text);
/// True for 64 lower-case hex digits.
bool is_sha256_hex(std::string_view text);

/// Compares SHA-256(`token`) with `hash_hex` in time that does not depend on where they differ.
bool token_matches(std::string_view token, std::string_view hash_hex);
/// Constant-time equality of secrets of equal length.
bool secure_equal(std::string_view a, std::string_view b);

std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

/// The token of "Authorization: Bearer <token>" (scheme in any case), or empty.
std::string_view bearer_token(std::string_view authorization_header);

}  // namespace berth::auth
