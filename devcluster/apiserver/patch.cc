#include "devcluster/apiserver/patch.h"

#include <algorithm>

namespace berth::devcluster {

namespace {

constexpr std::size_t kMaxOperations = 1000;
constexpr std::size_t kMaxBytes = 3u << 20;

bool needs_merge_keys(const Json& patch) {
  if (patch.is_array()) {
    return std::any_of(patch.begin(), patch.end(), [](const Json& v) { return v.is_object(); });
  }
  if (!patch.is_object()) {
    return false;
  }
  for (const auto& [key, value] : patch.items()) {
    if (key.starts_with('$') || needs_merge_keys(value)) {
      return true;
    }
  }
  return false;
}

ApiResult<Json> json_patch(const ResourceType& type, Json object, const Json& patch) {
  if (!patch.is_array() || patch.size() > kMaxOperations) {
    return fail(ApiError::bad_request("a JSON patch is a list of at most 1000 operations"));
  }
  try {
    for (const Json& operation : patch) {
      object = object.patch(Json::array({operation}));
      // Copies of copies would grow without bound.
      if (get_string(operation, "op") == "copy" && dump_json(object).size() > kMaxBytes) {
        return fail(ApiError::bad_request("the patched object is larger than 3 MiB"));
      }
    }
  } catch (const Json::exception& e) {
    return fail(ApiError::make(
        422, "Invalid",
        "the JSON patch does not apply to this " + std::string(type.kind) + ": " + e.what()));
  }
  return object;
}

}  // namespace

ApiResult<PatchType> patch_type(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, content_type.find(';'));
  if (media == "application/merge-patch+json") {
    return PatchType::kMerge;
  }
  if (media == "application/json-patch+json") {
    return PatchType::kJson;
  }
  if (media == "application/strategic-merge-patch+json") {
    return PatchType::kStrategic;
  }
  if (media == "application/apply-patch+yaml") {
    return PatchType::kApply;
  }
  return fail(ApiError::make(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, "
      "application/strategic-merge-patch+json, application/apply-patch+yaml"));
}

ApiResult<Json> apply_patch(const ResourceType& type, PatchType how, const Json& current,
                            const Json& patch) {
  if (how == PatchType::kJson) {
    return json_patch(type, current, patch);
  }
  if (!patch.is_object()) {
    return fail(ApiError::bad_request("the patch must be a JSON object"));
  }
  if (how == PatchType::kStrategic && type.custom) {
    return fail(ApiError::make(415, "UnsupportedMediaType",
                               "strategic merge patch is not supported for custom resources; use "
                               "application/merge-patch+json"));
  }
  if (how == PatchType::kStrategic && needs_merge_keys(patch)) {
    return fail(ApiError::make(415, "UnsupportedMediaType",
                               "the dev cluster does not merge lists strategically; use "
                               "application/merge-patch+json (kubectl patch --type=merge) or "
                               "kubectl replace"));
  }
  Json next = current;
  next.merge_patch(patch);
  return next;
}

}  // namespace berth::devcluster
