#include "worker/service/stored_directories.h"

#include <cerrno>
#include <cstdio>

namespace berth::worker {

Status StoredDirectories::start(const std::function<bool(const api::SessionId&)>& wanted) {
  BERTH_ASSIGN(const std::vector<api::SessionId> found, store_.existing());
  for (const api::SessionId& id : found) {
    existing_.insert(id);
    if (!wanted(id)) {
      remove(id);
    }
  }
  return {};
}

Status StoredDirectories::ensure(const api::SessionId& id) {
  if (!existing_.contains(id)) {
    BERTH_TRY(store_.create_session_dir(id));
    existing_.insert(id);
  }
  return {};
}

Status StoredDirectories::hand_over(const api::SessionId& from, const api::SessionId& to) {
  if (!existing_.contains(from)) {
    return {};
  }
  if (::rename(path(from).c_str(), path(to).c_str()) != 0) {
    return fail(Error::from_errno(errno, "handing the kept directory over"));
  }
  existing_.erase(from);
  existing_.insert(to);
  store_.remove_session_dir(from);  // Drops what the store remembers of it.
  store_.measure(to);
  return {};
}

void StoredDirectories::remove(const api::SessionId& id) {
  if (existing_.erase(id) == 0) {
    return;
  }
  store_.remove_session_dir(id, [log = log_, id](Status done) {
    if (!done) {
      log.warn("a session's files cannot be deleted",
               {{"session", id.str()}, {"error", done.error()}});
    }
  });
}

}  // namespace berth::worker
