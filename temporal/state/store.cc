#include "temporal/state/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace berth::temporal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFile = 16u << 20;
constexpr std::string_view kEnding = ".json";

Error about_folder(Error e) {
  e.field = "--state-dir";
  return e;
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail(Error::from_errno(errno, "writing"));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Store::Store(fs::path folder, UniqueFd lock, Log log)
    : folder_(std::move(folder)), lock_(std::move(lock)), log_(std::move(log)) {}

Result<Store> Store::open(const fs::path& folder, Log log) {
  if (folder.empty()) {
    return Store({}, {}, std::move(log));
  }
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    return fail(about_folder(Error::from_errno(failed.value(), "making " + folder.string())));
  }
  const fs::path file = folder / "lock";
  UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) {
    return fail(about_folder(Error::from_errno(errno, "opening " + file.string())));
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(about_folder(Error::make(ErrorCode::kAlreadyExists, "StateInUse",
                                         folder.string() + " is used by another process")));
  }
  return Store(folder, std::move(lock), std::move(log));
}

fs::path Store::path_of(const std::string& name) const {
  return folder_ / (name + std::string(kEnding));
}

Status Store::save(const std::string& name, const Json& value) {
  if (folder_.empty()) {
    return {};
  }
  const fs::path path = path_of(name);
  fs::path beside = path;
  beside += ".new";
  const auto failed = [&](Error e) { return about_folder(std::move(e).wrap(path.string())); };
  {
    const UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd) {
      return fail(failed(Error::from_errno(errno, "opening")));
    }
    BERTH_TRY(write_all(fd.get(), dump_json(value)).map_error(failed));
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return fail(failed(Error::from_errno(errno, "renaming")));
  }
  return {};
}

void Store::erase(const std::string& name) {
  if (!folder_.empty() && ::unlink(path_of(name).c_str()) != 0 && errno != ENOENT) {
    log_.error("a session's state stays behind",
               {{"file", path_of(name).string()}, {"error", Error::from_errno(errno, "removing")}});
  }
}

std::map<std::string, Json> Store::load() {
  std::map<std::string, Json> all;
  std::error_code failed;
  for (const fs::directory_entry& entry :
       folder_.empty() ? fs::directory_iterator() : fs::directory_iterator(folder_, failed)) {
    const fs::path& path = entry.path();
    if (path.extension() != kEnding) {
      continue;
    }
    auto value = read_file(path, kLargestFile).and_then([](const std::string& text) {
      return parse_json(text);
    });
    if (value) {
      all.emplace(path.stem().string(), *std::move(value));
      continue;
    }
    fs::path aside = path;
    aside.replace_extension(".bad");
    log_.error("unreadable state is kept aside; its session frees itself",
               {{"file", aside.string()}, {"error", value.error()}});
    fs::rename(path, aside, failed);
  }
  return all;
}

}  // namespace berth::temporal
