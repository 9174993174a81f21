#pragma once

#include <set>

#include "berth/observe/log.h"
#include "worker/files/file_store.h"
#include "worker/service/session_directories.h"

namespace berth::worker {

/// SessionDirectories in a FileStore. Knows which exist, so that sessions without files cost no
/// system call.
class StoredDirectories final : public SessionDirectories {
 public:
  StoredDirectories(FileStore& store, Log log) : store_(store), log_(std::move(log)) {}

  /// Once, at start-up: keeps the directories of sessions that `wanted` says yes to and removes all
  /// others.
  Status start(const std::function<bool(const api::SessionId&)>& wanted);

  std::filesystem::path path(const api::SessionId& id) const override {
    return store_.directory(id);
  }
  Status ensure(const api::SessionId& id) override;
  Status hand_over(const api::SessionId& from, const api::SessionId& to) override;
  void remove(const api::SessionId& id) override;
  bool exists(const api::SessionId& id) const { return existing_.contains(id); }

 private:
  FileStore& store_;
  Log log_;
  std::set<api::SessionId> existing_;
};

}  // namespace berth::worker
