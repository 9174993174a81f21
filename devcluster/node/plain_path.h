#pragma once

#include <filesystem>
#include <string_view>

#include "berth/base/error.h"

namespace berth::devcluster {

/// Whether every character is a letter, a digit or one of "._-/": what means itself to every shell.
bool is_plain(std::string_view path);

/// Another way to a directory whose path holds spaces or other characters that a shell reads. Pods'
/// mount paths are replaced by real ones inside their commands, where `cat /cache/x` must stay two
/// words. A link in a private directory under /tmp, or /var/tmp; gone with its owner.
class PlainPath {
 public:
  /// For a plain path the path itself, and no link.
  static Result<PlainPath> to(const std::filesystem::path& directory);
  PlainPath() = default;
  PlainPath(PlainPath&& other) noexcept;
  PlainPath& operator=(PlainPath&& other) noexcept;
  ~PlainPath();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path holder_;  ///< Holds the link; empty: there is none.
};

}  // namespace berth::devcluster
