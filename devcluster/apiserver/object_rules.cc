#include "devcluster/apiserver/object_rules.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace berth::devcluster {

std::string make_uid(Random& random) {
  std::array<std::uint8_t, 16> b{};
  random.fill(b);
  b[6] = static_cast<std::uint8_t>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<std::uint8_t>((b[8] & 0x3f) | 0x80);
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(),
                "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                b[15]);
  return text.data();
}

bool valid_name(std::string_view name) {
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 253 && edge(name.front()) && edge(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return edge(c) || c == '-' || c == '.'; });
}

std::vector<std::string> finalizers_of(const Json& object) {
  std::vector<std::string> out;
  if (const Json* list = find_path(object, {"metadata", "finalizers"}); list && list->is_array()) {
    for (const Json& f : *list) {
      if (f.is_string()) {
        out.push_back(f.get<std::string>());
      }
    }
  }
  return out;
}

bool may_go(const Json& object) {
  const Json* grace = find_path(object, {"metadata", "deletionGracePeriodSeconds"});
  return find_path(object, {"metadata", "deletionTimestamp"}) != nullptr &&
         finalizers_of(object).empty() && (grace == nullptr || *grace == 0);
}

ApiResult<void> check_shape(const ResourceType& type, const Json& object) {
  if (!object.is_object()) {
    return fail(ApiError::bad_request("the body must be a JSON object"));
  }
  for (const auto& [key, wanted] :
       {std::pair{"kind", std::string(type.kind)}, std::pair{"apiVersion", type.api_version()}}) {
    if (const Json* v = find(object, key); v != nullptr && *v != wanted) {
      return fail(ApiError::bad_request(std::string(key) + " in the body is " + dump_json(*v) +
                                        ", this path takes \"" + wanted + "\""));
    }
  }
  const Json* meta = find(object, "metadata");
  if (meta != nullptr && !meta->is_object()) {
    return fail(ApiError::bad_request("metadata must be an object"));
  }
  return {};
}

ApiResult<void> check_metadata(const ResourceType& type, const std::string& name,
                               const Json& meta) {
  for (const char* map : {"labels", "annotations"}) {
    const Json* m = find(meta, map);
    if (m != nullptr && (!m->is_object() || !std::all_of(m->begin(), m->end(), [](const Json& v) {
          return v.is_string();
        }))) {
      return fail(ApiError::invalid(type, name, std::string("metadata.") + map,
                                    "must be an object of strings"));
    }
  }
  for (const char* list : {"finalizers", "ownerReferences"}) {
    const Json* l = find(meta, list);
    if (l != nullptr && !l->is_array()) {
      return fail(ApiError::invalid(type, name, std::string("metadata.") + list, "must be a list"));
    }
  }
  return {};
}

}  // namespace berth::devcluster
