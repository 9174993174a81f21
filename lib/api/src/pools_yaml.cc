#include "berth/api/session_pool.h"
#include "lib/api/src/yaml_reader.h"

namespace berth::api {
namespace {

Status check_pool(const YamlDocument& document, const std::string& file_name) {
  const auto wrong = [&](std::string_view path, const std::string& message) {
    return fail(error_at(file_name, locate(document.place, path),
                         path.empty() ? message : std::string(path) + ": " + message));
  };
  if (!document.value.is_object()) {
    return wrong("", "must be a " + std::string(kPoolKind));
  }
  for (const char* key : {"apiVersion", "kind"}) {
    if (find(document.value, key) == nullptr) {
      return wrong(key, "is required");
    }
  }
  const auto pool = SessionPool::parse(document.value);
  return pool ? Status() : wrong(pool.error().field, pool.error().message);
}

}  // namespace

Result<std::vector<Json>> read_pools_yaml(std::string_view text, const std::string& file_name) {
  BERTH_ASSIGN(std::vector<YamlDocument> documents, read_yaml(text, file_name));
  std::vector<Json> out;
  for (YamlDocument& document : documents) {
    if (document.value.is_null()) {  // Nothing between two '---', or only comments.
      continue;
    }
    BERTH_TRY(check_pool(document, file_name));
    out.push_back(std::move(document.value));
  }
  if (out.empty()) {
    return fail(error_at(file_name, {}, "has no " + std::string(kPoolKind) + " in it"));
  }
  return out;
}

Result<Json> yaml_to_json(std::string_view text, const std::string& file_name) {
  BERTH_ASSIGN(std::vector<YamlDocument> documents, read_yaml(text, file_name));
  if (documents.size() > 1) {
    return fail(error_at(file_name, documents[1].place, "only one document is wanted here"));
  }
  return documents.empty() ? Json(nullptr) : std::move(documents[0].value);
}

}  // namespace berth::api
