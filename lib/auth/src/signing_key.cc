#include <span>

#include "berth/base/file.h"
#include "signing_key_impl.h"

namespace berth::auth {

Result<SigningKey> SigningKey::generate(Scope scope, Random& random) {
  Jwk jwk;
  jwk.scope = scope;
  jwk.private_bytes.resize(kEd25519Bytes);
  random.fill(std::span(reinterpret_cast<std::uint8_t*>(jwk.private_bytes.data()), kEd25519Bytes));
  jwk.public_bytes = ed25519_public(jwk.private_bytes);
  jwk.key_id = thumbprint(jwk.public_bytes);
  return SigningKey(std::make_unique<Impl>(std::move(jwk)));
}

Result<SigningKey> SigningKey::parse(std::string_view jwk_json) {
  BERTH_ASSIGN(const Json json, parse_json(jwk_json));
  BERTH_ASSIGN(Jwk jwk, parse_jwk(json));
  if (jwk.private_bytes.empty()) {
    return fail(Error::invalid("d", "is required: a signing key needs its private half"));
  }
  return SigningKey(std::make_unique<Impl>(std::move(jwk)));
}

Result<SigningKey> SigningKey::load(const std::filesystem::path& path) {
  BERTH_ASSIGN(const std::string text, read_file(path, 64u << 10));
  return parse(text).map_error(
      [&](Error e) { return std::move(e).wrap("reading the signing key " + path.string()); });
}

SigningKey::SigningKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

const std::string& SigningKey::id() const {
  return impl_->jwk.key_id;
}
Scope SigningKey::scope() const {
  return impl_->jwk.scope;
}
std::string SigningKey::private_jwk() const {
  return dump_json(to_json(impl_->jwk, true));
}
std::string SigningKey::public_jwk() const {
  return dump_json(to_json(impl_->jwk, false));
}

std::string make_jwks(const std::vector<const SigningKey*>& keys) {
  std::string out = R"({"keys":[)";
  for (const SigningKey* key : keys) {
    out += (key == keys.front() ? "" : ",") + key->public_jwk();
  }
  return out + "]}";
}

}  // namespace berth::auth
