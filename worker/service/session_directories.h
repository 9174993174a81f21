#pragma once

#include <filesystem>

#include "berth/api/ids.h"
#include "berth/base/error.h"

namespace berth::worker {

/// The private directories of sessions, as the service needs them. Loop thread only; nothing here
/// waits for a disk longer than it takes to make or rename one directory.
class SessionDirectories {
 public:
  virtual ~SessionDirectories() = default;
  /// Where it is or would be.
  virtual std::filesystem::path path(const api::SessionId& id) const = 0;
  /// Makes it unless it exists. Called before a session's first activity or file, not at its
  /// creation: most of what a short session costs would be this.
  virtual Status ensure(const api::SessionId& id) = 0;
  /// The directory of a held session becomes that of the one which took its slot over. No directory
  /// is fine.
  virtual Status hand_over(const api::SessionId& from, const api::SessionId& to) = 0;
  /// The name is free at once; the files go in the background.
  virtual void remove(const api::SessionId& id) = 0;
};

}  // namespace berth::worker
