#include "worker/files/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/file.h"
#include "berth/base/utf8.h"
#include "berth/http/message.h"
#include "worker/files/beneath.h"

namespace berth::worker {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kPasses = 16;

/// Calls `fn` for each entry until it returns false. Takes the descriptor.
Status for_each_entry(UniqueFd directory, const std::function<bool(int, const char*)>& fn) {
  const int number = directory.get();
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(number), &::closedir);
  if (dir == nullptr) {
    return fail(disk_error(errno, "reading a directory"));
  }
  directory.release();
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this DIR.
    const dirent* const entry = ::readdir(dir.get());
    if (entry == nullptr) {
      return errno == 0 ? Status() : fail(disk_error(errno, "reading a directory"));
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !fn(number, entry->d_name)) {
      return {};
    }
  }
}

Result<UniqueFd> open_directory(int at, const char* name) {
  UniqueFd fd(::openat(at, name, kOpenDirectory));
  if (!fd) {
    return fail(disk_error(errno, "opening a directory"));
  }
  return fd;
}

const char* type_name(mode_t mode) {
  return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "symlink" : "other";
}

/// Makes a directory writable that its owner made read-only, else nothing in it can be deleted.
void allow_all(int at, const char* name) {
  const UniqueFd fd(::openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) {
    ::chmod(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), 0700);
  }
}

class TreeRemover {
 public:
  explicit TreeRemover(int trash) : trash_(trash) {}

  Status remove(const std::string& name) {
    open_.push_back(name);
    while (!open_.empty()) {
      const std::string next = std::move(open_.front());
      open_.pop_front();
      remove_one(next);
    }
    return first_error_ ? Status(fail(*first_error_)) : Status();
  }

 private:
  void remove_one(const std::string& name) {
    allow_all(trash_, name.c_str());
    // Deleting while reading may skip entries, so until the directory really is empty.
    for (int pass = 0; pass < kPasses; ++pass) {
      if (::unlinkat(trash_, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return;
      }
      if (errno == ENOTDIR && ::unlinkat(trash_, name.c_str(), 0) == 0) {
        return;
      }
      if (errno != ENOTEMPTY && errno != EEXIST) {
        note(disk_error(errno, "deleting a directory"));
        return;
      }
      auto fd = open_directory(trash_, name.c_str());
      if (!fd) {
        note(fd.error());
        return;
      }
      const Status emptied =
          for_each_entry(std::move(*fd), [this, &name](int at, const char* entry) {
            remove_entry(name, at, entry);
            return true;
          });
      if (!emptied) {
        note(emptied.error());
      }
    }
    note(Error::internal("a directory does not become empty: " + name));
  }

  void remove_entry(const std::string& parent, int at, const char* entry) {
    if (::unlinkat(at, entry, 0) == 0 || errno == ENOENT) {
      return;
    }
    if (errno != EISDIR && errno != EPERM) {
      note(disk_error(errno, "deleting a file"));
      return;
    }
    allow_all(at, entry);
    std::string moved = parent.substr(0, parent.find('+')) + "+" + std::to_string(++moved_);
    if (::renameat(at, entry, trash_, moved.c_str()) == 0) {
      open_.push_back(std::move(moved));
    } else if (errno != ENOENT) {
      note(disk_error(errno, "moving a directory to be deleted"));
    }
  }

  void note(Error error) {
    if (!first_error_) {
      first_error_ = std::move(error);
    }
  }

  int trash_;
  std::deque<std::string> open_;
  std::uint64_t moved_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace

Result<Json> list_directory(int directory, std::size_t max_entries) {
  struct Entry {
    std::string name;
    struct stat info;
  };
  std::vector<Entry> entries;
  bool truncated = false;
  BERTH_ASSIGN(UniqueFd fd, open_directory(directory, "."));
  BERTH_TRY(for_each_entry(std::move(fd), [&](int at, const char* name) {
    if (entries.size() == max_entries) {
      truncated = true;
      return false;
    }
    struct stat info {};
    if (::fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back({name, info});
    }
    return true;
  }));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  Json list = Json::array();
  for (const Entry& e : entries) {
    const WallTime modified{std::chrono::seconds(e.info.st_mtim.tv_sec) +
                            std::chrono::nanoseconds(e.info.st_mtim.tv_nsec)};
    list.push_back({{"name", e.name},
                    {"type", type_name(e.info.st_mode)},
                    {"size", static_cast<std::int64_t>(e.info.st_size)},
                    {"modified", format_rfc3339(modified)}});
    if (!is_utf8(e.name)) {
      list.back()["encodedName"] = http::percent_encode(e.name);
    }
  }
  return Json{{"entries", std::move(list)}, {"truncated", truncated}};
}

Result<std::int64_t> measure_tree(int directory, std::size_t max_entries) {
  std::int64_t bytes = 0;
  std::size_t entries = 0;
  std::set<std::pair<dev_t, ino_t>> linked;
  std::vector<std::string> open{"."};
  while (!open.empty() && entries < max_entries) {
    const std::string path = std::move(open.back());
    open.pop_back();
    auto fd = open_directory(directory, path.c_str());
    if (!fd) {
      if (path == ".") {
        return fail(fd.error());
      }
      continue;  // Gone or replaced meanwhile; or deeper than any path that a client can name.
    }
    BERTH_TRY(for_each_entry(std::move(*fd), [&](int at, const char* name) {
      struct stat info {};
      if (++entries > max_entries || ::fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return entries <= max_entries;
      }
      if (S_ISDIR(info.st_mode)) {
        open.push_back(path + "/" + name);
      } else if (info.st_nlink > 1 && !linked.emplace(info.st_dev, info.st_ino).second) {
        return true;
      }
      bytes += static_cast<std::int64_t>(info.st_blocks) * 512;
      return true;
    }));
  }
  return bytes;
}

Status remove_tree(int trash, const std::string& name) {
  return TreeRemover(trash).remove(name);
}

}  // namespace berth::worker
