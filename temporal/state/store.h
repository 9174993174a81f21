#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "berth/base/file.h"
#include "berth/base/json.h"
#include "berth/observe/log.h"

namespace berth::temporal {

/// What a next process must know to go on with open sessions: one small JSON file each, replaced
/// as a whole. What must survive is this process, not the machine, so nothing is fsynced.
///
/// One process at a time: the folder is locked. Files hold secrets (session tokens) and are
/// readable by their owner only. Loop thread only.
class Store {
 public:
  /// Makes the folder if it is missing. An empty `folder` gives a store that keeps nothing.
  /// Errors: AlreadyExists "StateInUse", and those of the file system, with field "--state-dir".
  static Result<Store> open(const std::filesystem::path& folder, Log log);

  /// `name` is a file name without its ending.
  Status save(const std::string& name, const Json& value);
  void erase(const std::string& name);
  /// All that is there, by name. What cannot be read is kept aside as NAME.bad and logged.
  std::map<std::string, Json> load();

 private:
  Store(std::filesystem::path folder, UniqueFd lock, Log log);
  std::filesystem::path path_of(const std::string& name) const;

  std::filesystem::path folder_;
  UniqueFd lock_;
  Log log_;
};

}  // namespace berth::temporal
