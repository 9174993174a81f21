#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "berth/api/ids.h"
#include "berth/base/error.h"
#include "berth/observe/log.h"

namespace berth::worker {

/// The private directory of each session: <root>/<session id>, mode 0700, made when first needed.
/// Loop thread only.
///
/// A directory goes away in two steps: it is renamed into <root>/.trash at once, so that its name
/// is free, and deleted by `background` (a thread pool), since deleting a large tree takes long.
class SessionDirectories {
 public:
  /// `background` runs a job on another thread; false if it cannot take it (it is tried again with
  /// the next one).
  using Background = std::function<bool(std::function<void()>)>;
  SessionDirectories(std::filesystem::path root, Background background, Log log);

  /// Makes the root and removes what belongs to no session in `keep` (ids as folder names).
  Status start(const std::set<std::string>& keep);

  std::filesystem::path path(const api::SessionId& id) const { return root_ / id.str(); }
  /// The directory, made if missing.
  Result<std::filesystem::path> ensure(const api::SessionId& id);
  /// The directory of a held session becomes that of the one that took its slot over. Nothing to
  /// move is fine.
  Status hand_over(const api::SessionId& from, const api::SessionId& to);
  void remove(const api::SessionId& id);

 private:
  void trash(const std::string& name);
  void empty_trash();

  std::filesystem::path root_;
  Background background_;
  Log log_;
  std::set<std::string> made_;
  std::uint64_t next_ = 0;
  bool trash_waits_ = false;
};

}  // namespace berth::worker
