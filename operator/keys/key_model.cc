#include "operator/keys/key_model.h"

#include "berth/kube/object.h"

namespace berth::op {
namespace {

std::optional<auth::SigningKey> read_private(const Json& secret, std::string_view name) {
  const auto text = kube::secret_value(secret, name);
  if (!text) {
    return std::nullopt;
  }
  auto key = auth::SigningKey::parse(*text);
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

PublicKey public_half(const auth::SigningKey& key) {
  return {key.id(), key.public_jwk()};
}

// Written by us from a key that signed; whatever else stands there is not published.
std::optional<PublicKey> read_public(const Json& secret, std::string_view name) {
  const auto text = kube::secret_value(secret, name);
  const auto json = text ? parse_json(*text) : fail(Error::internal("absent"));
  if (!json || !json->is_object() || find(*json, "d") != nullptr) {
    return std::nullopt;
  }
  const std::string id = get_string(*json, "kid").value_or("");
  return id.empty() ? std::nullopt : std::optional(PublicKey{id, dump_json(*json)});
}

std::optional<WallTime> time_in(const Json& secret, std::string_view annotation) {
  const auto time = parse_rfc3339(kube::annotation_of(secret, annotation));
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

std::string_view to_string(KeyKind kind) {
  return kind == KeyKind::kOperator ? "operator" : "gateway";
}

auth::Scope scope_of(KeyKind kind) {
  return kind == KeyKind::kOperator ? auth::Scope::kOperate : auth::Scope::kCreate;
}

std::string secret_name(KeyKind kind) {
  return "berth-" + std::string(to_string(kind)) + "-key";
}

std::optional<KeySecret> KeySecret::from(const Json& secret) {
  KeySecret s;
  s.uid = kube::uid_of(secret);
  s.version = kube::version_of(secret);
  const KeyKind kind = kube::name_of(secret) == secret_name(KeyKind::kOperator) ? KeyKind::kOperator
                                                                                : KeyKind::kGateway;
  const auto current = read_private(secret, "key.json");
  if (!current || current->scope() != scope_of(kind)) {
    s.broken = Error::invalid("data[key.json]", "must be a private JWK of scope " +
                                                    std::string(auth::to_string(scope_of(kind))) +
                                                    "; delete the Secret and a new key is made");
    return s;
  }
  s.private_jwk = current->private_jwk();
  s.current = public_half(*current);
  if (const auto next = read_private(secret, "next.json");
      next && next->scope() == scope_of(kind)) {
    s.next_private_jwk = next->private_jwk();
    s.next = public_half(*next);
  }
  s.previous = read_public(secret, "previous.json");
  s.requested = kube::annotation_of(secret, kRotateAnnotation);
  s.begun = kube::annotation_of(secret, kBegunAnnotation);
  s.next_since = time_in(secret, kNextSinceAnnotation);
  s.switched_at = time_in(secret, kSwitchedAnnotation);
  return s;
}

std::optional<KeyMap> KeyMap::from(const Json& config_map) {
  KeyMap m;
  m.ns = kube::namespace_of(config_map);
  m.uid = kube::uid_of(config_map);
  m.version = kube::version_of(config_map);
  m.ours = kube::label_of(config_map, kManagedByLabel) == kManagedBy;
  m.jwks = string_at(config_map, {"data", "jwks.json"});
  m.status = kube::annotation_of(config_map, kStatusAnnotation);
  return m;
}

}  // namespace berth::op
