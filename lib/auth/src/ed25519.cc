#include "ed25519.h"

#include <openssl/evp.h>
#include <rhonabwy.h>

#include <cstdio>
#include <cstdlib>

#include "berth/auth/session_token.h"

namespace berth::auth {
namespace {

// What reaches the libraries is checked before, so they fail only when memory is out.
void require(bool ok, const char* doing) {
  if (!ok) {
    std::fprintf(stderr, "berth: %s failed\n", doing);
    std::abort();
  }
}

struct FreeJws {
  void operator()(jws_t* jws) const { r_jws_free(jws); }
};
using Jws = std::unique_ptr<jws_t, FreeJws>;

Jws make_jws() {
  jws_t* jws = nullptr;
  require(r_jws_init(&jws) == RHN_OK, "r_jws_init");
  return Jws(jws);
}

jwk_t* as_jwk(void* key) {
  return static_cast<jwk_t*>(key);
}

}  // namespace

std::string ed25519_public(std::string_view private_bytes) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const unsigned char*>(private_bytes.data()),
                                   private_bytes.size()),
      EVP_PKEY_free);
  require(key != nullptr, "EVP_PKEY_new_raw_private_key");
  std::string out(kEd25519Bytes, '\0');
  std::size_t size = out.size();
  require(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.data()),
                                      &size) == 1,
          "EVP_PKEY_get_raw_public_key");
  return out;
}

void Ed25519Key::Free::operator()(void* key) const {
  r_jwk_free(as_jwk(key));
}

Ed25519Key::Ed25519Key(std::string_view public_bytes, std::string_view private_bytes) {
  jwk_t* jwk = nullptr;
  require(r_jwk_init(&jwk) == RHN_OK, "r_jwk_init");
  key_.reset(jwk);
  const auto set = [&](const char* name, const std::string& value) {
    require(r_jwk_set_property_str(jwk, name, value.c_str()) == RHN_OK, "r_jwk_set_property_str");
  };
  set("kty", "OKP");
  set("crv", "Ed25519");
  set("x", base64url_encode(public_bytes));
  if (!private_bytes.empty()) {
    set("d", base64url_encode(private_bytes));
  }
}

std::string Ed25519Key::sign(const std::string& key_id, std::string_view payload) const {
  const Jws jws = make_jws();
  require(r_jws_set_alg(jws.get(), R_JWA_ALG_EDDSA) == RHN_OK &&
              r_jws_set_header_str_value(jws.get(), "typ", "JWT") == RHN_OK &&
              r_jws_set_header_str_value(jws.get(), "kid", key_id.c_str()) == RHN_OK &&
              r_jws_set_payload(jws.get(), reinterpret_cast<const unsigned char*>(payload.data()),
                                payload.size()) == RHN_OK,
          "preparing a token");
  const std::unique_ptr<char, decltype(&r_free)> token(
      r_jws_serialize(jws.get(), as_jwk(key_.get()), R_FLAG_IGNORE_REMOTE), r_free);
  require(token != nullptr, "signing a token");
  return token.get();
}

bool Ed25519Key::verify(std::string_view token) const {
  const Jws jws = make_jws();
  return r_jws_advanced_compact_parsen(jws.get(), token.data(), token.size(), R_PARSE_NONE,
                                       R_FLAG_IGNORE_REMOTE) == RHN_OK &&
         r_jws_get_alg(jws.get()) == R_JWA_ALG_EDDSA &&
         r_jws_verify_signature(jws.get(), as_jwk(key_.get()), R_FLAG_IGNORE_REMOTE) == RHN_OK;
}

}  // namespace berth::auth
