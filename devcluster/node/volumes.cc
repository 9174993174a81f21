#include "devcluster/node/volumes.h"

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

#include "berth/base/base64.h"
#include "berth/base/file.h"

namespace berth::devcluster {

namespace fs = std::filesystem;

namespace {

/// A relative path that stays inside the volume.
bool inside(const fs::path& path) {
  return !path.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& p) { return p == ".."; });
}

Status make_directory(const fs::path& dir) {
  std::error_code ec;
  fs::create_directories(dir, ec);
  if (ec) {
    return fail(Error::from_errno(ec.value(), "making directory " + dir.string()));
  }
  return {};
}

std::string source_name(const Json& source, const char* key) {
  return get_string(source, key).value_or("");
}

}  // namespace

Result<std::map<std::string, std::string>> config_files(const Store& store, std::string_view plural,
                                                        const std::string& ns,
                                                        const std::string& name) {
  const auto object = store.get(type_of(plural), {ns, name});
  if (!object) {
    return fail(Error::make(ErrorCode::kNotFound, "NotFound", object.error().message));
  }
  std::map<std::string, std::string> files;
  for (const char* member : {"data", "binaryData"}) {
    const Json* entries = find(**object, member);
    if (entries == nullptr || !entries->is_object()) {
      continue;
    }
    const bool encoded = std::string_view(member) == "binaryData" ||
                         (plural == "secrets" && std::string_view(member) == "data");
    for (const auto& [key, value] : entries->items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : "";
      auto bytes = encoded ? base64_decode(text) : std::optional(text);
      if (!bytes) {
        return fail(Error::invalid(name + "." + key, "is not base64"));
      }
      files[key] = std::move(*bytes);
    }
  }
  return files;
}

Status PodVolumes::sync() {
  const Json* volumes = find_path(pod_, {"spec", "volumes"});
  if (volumes == nullptr || !volumes->is_array()) {
    return {};
  }
  for (const Json& volume : *volumes) {
    if (auto done = sync_one(volume); !done) {
      return fail(std::move(done).error().wrap("MountVolume.SetUp failed for volume \"" +
                                               source_name(volume, "name") + "\""));
    }
  }
  return {};
}

Status PodVolumes::sync_one(const Json& volume) {
  const std::string name = source_name(volume, "name");
  if (!inside(name) || name.find('/') != std::string::npos) {
    return fail(Error::invalid("volumes.name", "is not a name: \"" + name + "\""));
  }
  const fs::path dir = root_ / "volumes" / name;
  directories_[name] = dir;
  if (find(volume, "emptyDir") != nullptr || volume.contains("emptyDir")) {
    return make_directory(dir);
  }
  if (const Json* source = find(volume, "configMap")) {
    return sync_files(dir, *source, "configmaps", source_name(*source, "name"));
  }
  if (const Json* source = find(volume, "secret")) {
    return sync_files(dir, *source, "secrets", source_name(*source, "secretName"));
  }
  if (const Json* source = find(volume, "hostPath")) {
    const fs::path path = source_name(*source, "path");
    directories_[name] = path;
    if (source_name(*source, "type").find("OrCreate") != std::string::npos) {
      return make_directory(path);
    }
    return {};
  }
  return fail(Error::invalid("volumes",
                             "berth dev serves emptyDir, configMap, secret and hostPath volumes"));
}

Status PodVolumes::sync_files(const fs::path& dir, const Json& source, const std::string& plural,
                              const std::string& name) {
  BERTH_TRY(make_directory(dir));
  auto files = config_files(store_, plural, string_at(pod_, {"metadata", "namespace"}), name);
  if (!files) {
    return get_bool(source, "optional").value_or(false) ? Status() : Status(fail(files.error()));
  }
  std::map<fs::path, std::string> wanted;
  if (const Json* items = find(source, "items"); items != nullptr && items->is_array()) {
    for (const Json& item : *items) {
      const auto it = files->find(source_name(item, "key"));
      if (it == files->end()) {
        return fail(Error::invalid(
            "items", "there is no key \"" + source_name(item, "key") + "\" in " + name));
      }
      wanted[source_name(item, "path")] = it->second;
    }
  } else {
    wanted.insert(files->begin(), files->end());
  }
  std::set<fs::path> keep;
  for (const auto& [path, content] : wanted) {
    if (!inside(path)) {
      return fail(Error::invalid("items.path", "must stay inside the volume"));
    }
    const fs::path file = (dir / path).lexically_normal();
    keep.insert(file);
    BERTH_TRY(make_directory(file.parent_path()));
    if (read_file(file).value_or("\n") != content) {
      BERTH_TRY(write_file_atomic(file, content, plural == "secrets" ? 0600 : 0644));
    }
  }
  std::error_code ec;
  for (auto it = fs::recursive_directory_iterator(dir, ec); !ec && it != fs::end(it);
       it.increment(ec)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored) && !keep.contains(it->path().lexically_normal())) {
      fs::remove(it->path(), ignored);
    }
  }
  return {};
}

bool PodVolumes::uses(const std::string& plural, const std::string& name) const {
  const Json* volumes = find_path(pod_, {"spec", "volumes"});
  const char* member = plural == "secrets" ? "secret" : "configMap";
  const char* key = plural == "secrets" ? "secretName" : "name";
  return volumes != nullptr && volumes->is_array() &&
         std::any_of(volumes->begin(), volumes->end(), [&](const Json& v) {
           const Json* source = find(v, member);
           return source != nullptr && source_name(*source, key) == name;
         });
}

Result<fs::path> PodVolumes::directory(const std::string& volume) const {
  const auto it = directories_.find(volume);
  if (it == directories_.end()) {
    return fail(Error::invalid("volumeMounts.name", "there is no volume \"" + volume + "\""));
  }
  return it->second;
}

void PodVolumes::remove() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

}  // namespace berth::devcluster
