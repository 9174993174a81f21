#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "berth/base/error.h"
#include "berth/base/json.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

/// The volumes of one pod as directories below `root`: emptyDir (lives as long as the pod, so it
/// survives container restarts), configMap and secret (files, kept current), hostPath (the path
/// itself). Loop thread only.
class PodVolumes {
 public:
  /// `pod` and `store` must outlive it.
  PodVolumes(const Json& pod, std::filesystem::path root, const Store& store)
      : pod_(pod), root_(std::move(root)), store_(store) {}

  /// Makes the directories and writes the files; again when a ConfigMap or Secret has changed. Each
  /// file is replaced atomically. Errors name the volume; NotFound means that an object is not
  /// there yet.
  Status sync();
  /// True when the pod mounts this object.
  bool uses(const std::string& plural, const std::string& name) const;
  /// Where a volume is.
  Result<std::filesystem::path> directory(const std::string& volume) const;
  /// Deletes everything below root.
  void remove();

 private:
  Status sync_one(const Json& volume);
  Status sync_files(const std::filesystem::path& dir, const Json& source, const std::string& plural,
                    const std::string& name);

  const Json& pod_;
  std::filesystem::path root_;
  const Store& store_;
  std::map<std::string, std::filesystem::path> directories_;
};

/// The value of a key of a ConfigMap or Secret, decoded.
Result<std::map<std::string, std::string>> config_files(const Store& store, std::string_view plural,
                                                        const std::string& ns,
                                                        const std::string& name);

}  // namespace berth::devcluster
