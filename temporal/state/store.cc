#include "temporal/state/store.h"

#include <fcntl.h>
#include <sys/file.h>
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
  return write_file_atomic(path_of(name), dump_json(value), 0600, Outlives::kProcess)
      .map_error(about_folder);
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
