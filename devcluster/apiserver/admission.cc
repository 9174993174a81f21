#include "devcluster/apiserver/admission.h"

#include <set>

#include "berth/api/session_pool.h"
#include "berth/base/base64.h"

namespace berth::devcluster {

namespace {

std::string name_of(const Json& object) {
  return string_at(object, {"metadata", "name"});
}

void set_default(Json& object, const char* key, Json value) {
  if (find(object, key) == nullptr) {
    object[key] = std::move(value);
  }
}

ApiResult<void> check_containers(const ResourceType& type, const Json& pod, const char* list) {
  const std::string path = std::string("spec.") + list;
  const Json* containers = find_path(pod, {"spec", list});
  if (containers == nullptr) {
    return {};
  }
  if (!containers->is_array()) {
    return fail(ApiError::invalid(type, name_of(pod), path, "must be a list"));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < containers->size(); ++i) {
    const Json& c = (*containers)[i];
    const std::string at = path + "[" + std::to_string(i) + "]";
    const std::string name = get_string(c, "name").value_or("");
    if (name.empty()) {
      return fail(ApiError::invalid(type, name_of(pod), at + ".name", "Required value"));
    }
    if (get_string(c, "image").value_or("").empty()) {
      return fail(ApiError::invalid(type, name_of(pod), at + ".image", "Required value"));
    }
    if (!names.insert(name).second) {
      return fail(
          ApiError::invalid(type, name_of(pod), at + ".name", "Duplicate value: \"" + name + "\""));
    }
  }
  return {};
}

void set_pod_defaults(Json& pod) {
  Json& spec = pod["spec"];
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "securityContext", Json::object());
  pod["status"] = {{"phase", "Pending"}};
}

/// The pod spec without what may change after creation.
Json fixed_part(const Json& pod) {
  Json spec = pod.at("spec");
  for (const char* list : {"containers", "initContainers"}) {
    if (const auto it = spec.find(list); it != spec.end() && it->is_array()) {
      for (Json& c : *it) {
        if (c.is_object()) {
          c.erase("image");
        }
      }
    }
  }
  for (const char* key :
       {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) {
    spec.erase(key);
  }
  if (string_at(pod, {"spec", "nodeName"}).empty()) {
    spec.erase("nodeName");
  }
  return spec;
}

ApiResult<void> admit_pod(const ResourceType& type, Json& pod, const Json* before) {
  const Json* spec = find(pod, "spec");
  const Json* containers = find_path(pod, {"spec", "containers"});
  if (spec == nullptr || !spec->is_object() || containers == nullptr || containers->empty()) {
    return fail(ApiError::invalid(type, name_of(pod), "spec.containers", "Required value"));
  }
  BERTH_TRY(check_containers(type, pod, "containers"));
  BERTH_TRY(check_containers(type, pod, "initContainers"));
  const Json* grace = find(*spec, "terminationGracePeriodSeconds");
  if (grace != nullptr && (!grace->is_number_integer() || *grace < 0)) {
    return fail(ApiError::invalid(type, name_of(pod), "spec.terminationGracePeriodSeconds",
                                  "must be an integer, 0 or more"));
  }
  if (before == nullptr) {
    set_pod_defaults(pod);
    return {};
  }
  Json was = fixed_part(*before);
  Json now = fixed_part(pod);
  if (!was.contains("nodeName")) {
    now.erase("nodeName");  // Binding.
  }
  if (was != now) {
    return fail(
        ApiError::invalid(type, name_of(pod), "spec",
                          "Forbidden: pod updates may not change fields other than "
                          "`spec.containers[*].image`, `spec.initContainers[*].image`, "
                          "`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions "
                          "to existing tolerations), `spec.terminationGracePeriodSeconds`"));
  }
  return {};
}

// Only to be written: what is kept and read is `data`.
ApiResult<void> admit_secret(const ResourceType& type, Json& secret) {
  const Json* plain = find(secret, "stringData");
  if (plain == nullptr) {
    secret.erase("stringData");
    return {};
  }
  if (!plain->is_object()) {
    return fail(ApiError::invalid(type, name_of(secret), "stringData", "must be an object"));
  }
  Json data = find(secret, "data") == nullptr ? Json::object() : secret["data"];
  for (const auto& [key, value] : plain->items()) {
    if (!value.is_string()) {
      return fail(
          ApiError::invalid(type, name_of(secret), "stringData." + key, "must be a string"));
    }
    data[key] = base64_encode(value.get<std::string>());
  }
  secret["data"] = std::move(data);
  secret.erase("stringData");
  return {};
}

ApiResult<void> admit_pool(const ResourceType& type, const Json& pool, const Json* before) {
  // A status write does not touch what is checked here, and a bad status must not block it.
  if (before != nullptr && find(*before, "spec") != nullptr && find(pool, "spec") != nullptr &&
      before->at("spec") == pool.at("spec")) {
    return {};
  }
  if (const auto parsed = api::SessionPool::parse(pool); !parsed) {
    const Error& e = parsed.error();
    // Error texts begin with the field; Status names it apart.
    std::string message = e.message;
    if (!e.field.empty() && message.starts_with(e.field + ": ")) {
      message.erase(0, e.field.size() + 2);
    }
    return fail(
        ApiError::invalid(type, name_of(pool), e.field.empty() ? "spec" : e.field, message));
  }
  return {};
}

}  // namespace

ApiResult<void> admit(const ResourceType& type, Json& object, const Json* before) {
  if (type.kind == "Pod") {
    return admit_pod(type, object, before);
  }
  if (type.kind == "SessionPool") {
    return admit_pool(type, object, before);
  }
  if (type.kind == "Secret") {
    return admit_secret(type, object);
  }
  if (type.kind == "Namespace" && before == nullptr) {
    object["status"] = {{"phase", "Active"}};
  }
  return {};
}

}  // namespace berth::devcluster
