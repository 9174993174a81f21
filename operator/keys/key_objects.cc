#include "operator/keys/key_objects.h"

#include "berth/kube/object.h"

namespace berth::op {
namespace {

// A patch that fails with a conflict unless the object is the one that was seen, as it was seen.
template <class Seen>
Json guarded(const Seen& seen) {
  return {{"metadata", {{"uid", seen.uid}, {"resourceVersion", seen.version}}}};
}

Json metadata(const std::string& ns, const std::string& name) {
  return {{"name", name},
          {"namespace", ns},
          {"labels", {{std::string(kManagedByLabel), std::string(kManagedBy)}}}};
}

void annotate(Json& patch, std::string_view annotation, Json value) {
  patch["metadata"]["annotations"][std::string(annotation)] = std::move(value);
}

}  // namespace

Json make_key_secret(const std::string& ns, KeyKind kind, const auth::SigningKey& key) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "Opaque"},
          {"metadata", metadata(ns, secret_name(kind))},
          {"data", {{"key.json", kube::secret_data(key.private_jwk())}}}};
}

Json next_key_patch(const KeySecret& seen, const auth::SigningKey& next, WallTime now) {
  Json patch = guarded(seen);
  annotate(patch, kBegunAnnotation, seen.requested);
  annotate(patch, kNextSinceAnnotation, format_rfc3339(now));
  patch["data"] = {{"next.json", kube::secret_data(next.private_jwk())}};
  return patch;
}

Json switch_patch(const KeySecret& seen, WallTime now) {
  Json patch = guarded(seen);
  annotate(patch, kNextSinceAnnotation, nullptr);
  annotate(patch, kSwitchedAnnotation, format_rfc3339(now));
  patch["data"] = {{"key.json", kube::secret_data(seen.next_private_jwk)},
                   {"next.json", nullptr},
                   {"previous.json", kube::secret_data(seen.current.jwk)}};
  return patch;
}

Json drop_previous_patch(const KeySecret& seen) {
  Json patch = guarded(seen);
  annotate(patch, kSwitchedAnnotation, nullptr);
  patch["data"] = {{"previous.json", nullptr}};
  return patch;
}

Json make_key_map(const std::string& ns, const std::string& name, const std::string& jwks) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", metadata(ns, name)},
          {"data", {{"jwks.json", jwks}}}};
}

Json publish_patch(const KeyMap& seen, const std::string& jwks) {
  Json patch = guarded(seen);
  patch["data"] = {{"jwks.json", jwks}};
  return patch;
}

Json status_patch(const KeyMap& seen, const std::string& status) {
  Json patch = guarded(seen);
  annotate(patch, kStatusAnnotation, status);
  return patch;
}

}  // namespace berth::op
