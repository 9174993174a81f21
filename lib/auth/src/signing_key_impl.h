#pragma once

#include "ed25519.h"
#include "jwk.h"

namespace berth::auth {

struct SigningKey::Impl {
  explicit Impl(Jwk from) : jwk(std::move(from)), key(jwk.public_bytes, jwk.private_bytes) {}
  Jwk jwk;
  Ed25519Key key;
};

}  // namespace berth::auth
