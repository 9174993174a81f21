#include "tests/unit/auth/forge.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "berth/auth/session_token.h"

namespace berth::auth {

std::string ed25519_sign(const std::string& private_jwk, std::string_view message) {
  const std::string d =
      base64url_decode(parse_json(private_jwk).value()["d"].get<std::string>()).value();
  const auto* seed = reinterpret_cast<const unsigned char*>(d.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, d.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get());
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(message.data()), message.size());
  return signature;
}

std::string hs256_sign(std::string_view secret, std::string_view message) {
  std::string mac(32, '\0');
  unsigned int size = 32;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &size);
  return mac;
}

std::string signing_input(const std::string& header, const std::string& payload) {
  return base64url_encode(header) + "." + base64url_encode(payload);
}

std::string forge(const SigningKey& key, const std::string& header, const std::string& payload) {
  const std::string input = signing_input(header, payload);
  return input + "." + base64url_encode(ed25519_sign(key.private_jwk(), input));
}

std::string forge(const SigningKey& key, const Json& claims) {
  const Json header = {{"alg", "EdDSA"}, {"typ", "JWT"}, {"kid", key.id()}};
  return forge(key, dump_json(header), dump_json(claims));
}

}  // namespace berth::auth
