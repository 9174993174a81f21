#include "berth/kube/object.h"

#include "berth/base/base64.h"
#include "lib/kube/src/base64.h"

namespace berth::kube {

std::string name_of(const Json& object) {
  return string_at(object, {"metadata", "name"});
}
std::string namespace_of(const Json& object) {
  return string_at(object, {"metadata", "namespace"});
}
std::string uid_of(const Json& object) {
  return string_at(object, {"metadata", "uid"});
}
std::string version_of(const Json& object) {
  return string_at(object, {"metadata", "resourceVersion"});
}

std::string key_of(const Json& object) {
  const std::string ns = namespace_of(object);
  return ns.empty() ? name_of(object) : ns + "/" + name_of(object);
}

std::string label_of(const Json& object, std::string_view label) {
  return string_at(object, {"metadata", "labels", label});
}

std::string annotation_of(const Json& object, std::string_view annotation) {
  return string_at(object, {"metadata", "annotations", annotation});
}

bool is_deleting(const Json& object) {
  return find_path(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

std::string controller_uid(const Json& object) {
  const Json* owners = find_path(object, {"metadata", "ownerReferences"});
  if (owners != nullptr && owners->is_array()) {
    for (const Json& owner : *owners) {
      if (get_bool(owner, "controller").value_or(false)) {
        return string_at(owner, {"uid"});
      }
    }
  }
  return "";
}

std::string condition_status(const Json& object, std::string_view type) {
  const Json* conditions = find_path(object, {"status", "conditions"});
  if (conditions != nullptr && conditions->is_array()) {
    for (const Json& condition : *conditions) {
      if (string_at(condition, {"type"}) == type) {
        return string_at(condition, {"status"});
      }
    }
  }
  return "";
}

std::optional<std::string> secret_value(const Json& secret, std::string_view key) {
  const Json* value = find_path(secret, {"data", key});
  return value == nullptr || !value->is_string() ? std::nullopt
                                                 : base64_decode(value->get<std::string>());
}

Json secret_data(std::string_view value) {
  return berth::base64_encode(value);
}

}  // namespace berth::kube
