#include "devcluster/apiserver/scale.h"

namespace berth::devcluster {

Json scale_for_update(const Json& object) {
  Json meta = Json::object();
  for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Json* v = find_path(object, {"metadata", key})) {
      meta[key] = *v;
    }
  }
  const Json* current = find_path(object, {"status", "workers", "current"});
  Json status = {{"replicas", current == nullptr ? Json(0) : *current}};
  if (const std::string selector = string_at(object, {"status", "selector"}); !selector.empty()) {
    status["selector"] = selector;
  }
  Json scale = {{"kind", "Scale"},
                {"apiVersion", "autoscaling/v1"},
                {"metadata", std::move(meta)},
                {"spec", Json::object()},
                {"status", std::move(status)}};
  if (const Json* workers = find_path(object, {"spec", "workers"})) {
    scale["spec"]["replicas"] = *workers;
  }
  return scale;
}

ApiResult<Json> scale_of(const ResourceType&, const Json& object) {
  if (find_path(object, {"spec", "workers"}) == nullptr) {
    return fail(ApiError::internal("the spec replicas field \".spec.workers\" does not exist"));
  }
  return scale_for_update(object);
}

ApiResult<Json> with_scale(const Json& object, const Json& scale) {
  const Json* spec = find(scale, "spec");
  const auto replicas = spec == nullptr ? std::nullopt : get_int(*spec, "replicas");
  if (!replicas) {
    return fail(ApiError::bad_request("the spec replicas field \".spec.workers\" cannot be empty"));
  }
  Json next = object;
  next["spec"]["workers"] = *replicas;
  for (const char* key : {"resourceVersion", "uid", "name", "namespace"}) {
    if (const Json* v = find_path(scale, {"metadata", key})) {
      next["metadata"][key] = *v;
    }
  }
  return next;
}

}  // namespace berth::devcluster
