#include "jwk.h"

#include <openssl/sha.h>

#include <algorithm>

#include "berth/auth/session_token.h"
#include "ed25519.h"

namespace berth::auth {
namespace {

Result<std::string> key_bytes(const Json& json, const char* member) {
  const auto text = get_string(json, member);
  if (!text) {
    return fail(Error::invalid(member, "is required, as text"));
  }
  auto bytes = base64url_decode(*text);
  if (!bytes || bytes->size() != kEd25519Bytes) {
    return fail(Error::invalid(member, "must be 32 bytes in base64url without padding"));
  }
  return *std::move(bytes);
}

}  // namespace

std::string_view to_string(Scope scope) {
  return scope == Scope::kCreate ? "create" : "operate";
}

std::optional<Scope> parse_scope(std::string_view text) {
  for (const Scope scope : {Scope::kCreate, Scope::kOperate}) {
    if (text == to_string(scope)) {
      return scope;
    }
  }
  return std::nullopt;
}

bool is_key_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

Result<Jwk> parse_jwk(const Json& json) {
  if (get_string(json, "kty") != "OKP") {
    return fail(Error::invalid("kty", "must be \"OKP\""));
  }
  if (get_string(json, "crv") != "Ed25519") {
    return fail(Error::invalid("crv", "must be \"Ed25519\""));
  }
  if (find(json, "alg") != nullptr && get_string(json, "alg") != "EdDSA") {
    return fail(Error::invalid("alg", "must be \"EdDSA\""));
  }
  if (find(json, "use") != nullptr && get_string(json, "use") != "sig") {
    return fail(Error::invalid("use", "must be \"sig\""));
  }
  Jwk jwk;
  jwk.key_id = get_string(json, "kid").value_or("");
  if (!is_key_id(jwk.key_id)) {
    return fail(Error::invalid("kid", "must be 1 to 128 printable characters"));
  }
  const auto scope = parse_scope(get_string(json, "berth_scope").value_or(""));
  if (!scope) {
    return fail(Error::invalid("berth_scope", "must be \"create\" or \"operate\""));
  }
  jwk.scope = *scope;
  BERTH_ASSIGN(jwk.public_bytes, key_bytes(json, "x"));
  if (find(json, "d") != nullptr) {
    BERTH_ASSIGN(jwk.private_bytes, key_bytes(json, "d"));
    // Signing with another public half than the key's own gives the private key away.
    if (ed25519_public(jwk.private_bytes) != jwk.public_bytes) {
      return fail(Error::invalid("x", "is not the public half of \"d\""));
    }
  }
  return jwk;
}

Json to_json(const Jwk& jwk, bool with_private) {
  Json json = {{"kty", "OKP"},
               {"crv", "Ed25519"},
               {"alg", "EdDSA"},
               {"use", "sig"},
               {"kid", jwk.key_id},
               {"berth_scope", to_string(jwk.scope)},
               {"x", base64url_encode(jwk.public_bytes)}};
  if (with_private) {
    json["d"] = base64url_encode(jwk.private_bytes);
  }
  return json;
}

std::string thumbprint(std::string_view public_bytes) {
  const std::string canonical =
      R"({"crv":"Ed25519","kty":"OKP","x":")" + base64url_encode(public_bytes) + "\"}";
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(canonical.data()), canonical.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return base64url_encode(digest);
}

}  // namespace berth::auth
