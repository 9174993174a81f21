#include "worker/service/session_directories.h"

#include <sys/stat.h>

#include <cerrno>

namespace berth::worker {
namespace fs = std::filesystem;

SessionDirectories::SessionDirectories(fs::path root, Background background, Log log)
    : root_(std::move(root)), background_(std::move(background)), log_(std::move(log)) {}

Status SessionDirectories::start(const std::set<std::string>& keep) {
  std::error_code ec;
  fs::create_directories(root_ / ".trash", ec);
  if (ec) {
    return fail(Error::from_errno(ec.value(), "making the session directory " + root_.string()));
  }
  for (const auto& entry : fs::directory_iterator(root_, ec)) {
    const std::string name = entry.path().filename().string();
    if (keep.contains(name)) {
      made_.insert(name);
    } else if (name != ".trash" && api::check_id(name, "")) {
      // Only what can be a session's: a wrongly set directory must not cost somebody's files.
      trash(name);
    }
  }
  if (ec) {
    return fail(Error::from_errno(ec.value(), "reading the session directory " + root_.string()));
  }
  trash_waits_ = true;
  empty_trash();
  return {};
}

Result<fs::path> SessionDirectories::ensure(const api::SessionId& id) {
  const fs::path path = this->path(id);
  if (!made_.contains(id.str())) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(Error::from_errno(errno, "making the session's directory"));
    }
    made_.insert(id.str());
  }
  return path;
}

Status SessionDirectories::hand_over(const api::SessionId& from, const api::SessionId& to) {
  if (made_.erase(from.str()) == 0) {
    return {};
  }
  if (::rename(path(from).c_str(), path(to).c_str()) != 0) {
    const int err = errno;
    made_.insert(from.str());
    return fail(Error::from_errno(err, "handing the kept directory over"));
  }
  made_.insert(to.str());
  return {};
}

void SessionDirectories::remove(const api::SessionId& id) {
  if (made_.erase(id.str()) != 0) {
    trash(id.str());
    trash_waits_ = true;
  }
  if (trash_waits_) {
    empty_trash();
  }
}

void SessionDirectories::trash(const std::string& name) {
  std::error_code ec;
  const fs::path to = root_ / ".trash" / (name + "." + std::to_string(++next_));
  fs::rename(root_ / name, to, ec);
  if (ec == std::errc::directory_not_empty || ec == std::errc::file_exists) {
    fs::rename(root_ / name, root_ / ".trash" / (name + ".again." + std::to_string(++next_)), ec);
  }
  if (ec) {
    log_.warn("a session's directory cannot be removed",
              {{"directory", name}, {"error", ec.message()}});
  }
}

void SessionDirectories::empty_trash() {
  trash_waits_ = !background_([trash = root_ / ".trash", log = log_] {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(trash, ec)) {
      fs::remove_all(entry.path(), ec);
      if (ec) {
        log.warn("a session's files cannot be deleted",
                 {{"path", entry.path().string()}, {"error", ec.message()}});
      }
    }
  });
}

}  // namespace berth::worker
