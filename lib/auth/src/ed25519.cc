#include "ed25519.h"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "berth/auth/session_token.h"
#include "berth/base/json.h"

namespace berth::auth {
namespace {

constexpr std::size_t kSignatureBytes = 64;

// What reaches OpenSSL is checked before, so it fails only when memory is out.
void require(bool ok, const char* doing) {
  if (!ok) {
    std::fprintf(stderr, "berth: %s failed\n", doing);
    std::abort();
  }
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

EVP_PKEY* as_key(void* key) {
  return static_cast<EVP_PKEY*>(key);
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

}  // namespace

std::string ed25519_public(std::string_view private_bytes) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(private_bytes),
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
  EVP_PKEY_free(as_key(key));
}

Ed25519Key::Ed25519Key(std::string_view public_bytes, std::string_view private_bytes) {
  key_.reset(private_bytes.empty()
                 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(public_bytes),
                                               public_bytes.size())
                 : EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(private_bytes),
                                                private_bytes.size()));
  require(key_ != nullptr, "making an Ed25519 key");
}

std::string Ed25519Key::sign(const std::string& key_id, std::string_view payload) const {
  const Json header = {{"alg", "EdDSA"}, {"kid", key_id}, {"typ", "JWT"}};
  std::string token = base64url_encode(dump_json(header)) + "." + base64url_encode(payload);
  const Context context(EVP_MD_CTX_new());
  std::array<unsigned char, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  require(
      context != nullptr &&
          EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, as_key(key_.get())) == 1 &&
          EVP_DigestSign(context.get(), signature.data(), &size, bytes(token), token.size()) == 1,
      "signing a token");
  token.append(".").append(
      base64url_encode({reinterpret_cast<const char*>(signature.data()), signature.size()}));
  token.shrink_to_fit();  // Kept for each worker.
  return token;
}

bool Ed25519Key::verify(std::string_view token) const {
  const std::size_t dot = token.rfind('.');
  if (dot == std::string_view::npos) {
    return false;
  }
  const Result<std::string> signature = base64url_decode(token.substr(dot + 1));
  if (!signature || signature->size() != kSignatureBytes) {
    return false;
  }
  const Context context(EVP_MD_CTX_new());
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, as_key(key_.get())) == 1 &&
         EVP_DigestVerify(context.get(), bytes(*signature), signature->size(), bytes(token), dot) ==
             1;
}

}  // namespace berth::auth
