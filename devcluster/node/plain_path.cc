#include "devcluster/node/plain_path.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace berth::devcluster {

namespace fs = std::filesystem;

bool is_plain(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  });
}

Result<PlainPath> PlainPath::to(const fs::path& directory) {
  PlainPath out;
  if (is_plain(directory.string())) {
    out.path_ = directory;
    return out;
  }
  std::error_code failure;
  const fs::path absolute = fs::absolute(directory, failure);
  for (const char* place : {"/tmp/berth-dev-XXXXXX", "/var/tmp/berth-dev-XXXXXX"}) {
    std::string holder = place;
    if (::mkdtemp(holder.data()) == nullptr) {
      failure.assign(errno, std::generic_category());
      continue;
    }
    out.holder_ = holder;
    out.path_ = out.holder_ / "data";
    fs::create_directory_symlink(absolute, out.path_, failure);
    if (!failure) {
      return out;
    }
  }
  return fail(Error::from_errno(
      failure.value(),
      "making a path without spaces to " + directory.string() + "; choose another --data-dir"));
}

PlainPath::PlainPath(PlainPath&& other) noexcept
    : path_(std::exchange(other.path_, {})), holder_(std::exchange(other.holder_, {})) {}

PlainPath& PlainPath::operator=(PlainPath&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(holder_, other.holder_);
  return *this;
}

PlainPath::~PlainPath() {
  if (!holder_.empty()) {
    std::error_code ignored;
    fs::remove(holder_ / "data", ignored);
    fs::remove(holder_, ignored);
  }
}

}  // namespace berth::devcluster
