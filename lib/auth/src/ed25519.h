#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace berth::auth {

/// Bytes of a private (seed) or public key.
inline constexpr std::size_t kEd25519Bytes = 32;

/// The public half of a private key.
std::string ed25519_public(std::string_view private_bytes);

/// An Ed25519 key that signs and checks JWS compact tokens (RFC 8037). OpenSSL does the
/// cryptography; nothing in a token is interpreted here: its header has been checked by the caller.
class Ed25519Key {
 public:
  /// `private_bytes` empty: a key that can only check.
  Ed25519Key(std::string_view public_bytes, std::string_view private_bytes);

  /// header.payload.signature, with the header {"alg":"EdDSA","typ":"JWT","kid":...}.
  std::string sign(const std::string& key_id, std::string_view payload) const;
  /// Whether the third part of `token` is this key's signature of the first two.
  bool verify(std::string_view token) const;

 private:
  struct Free {
    void operator()(void* key) const;
  };
  std::unique_ptr<void, Free> key_;
};

}  // namespace berth::auth
