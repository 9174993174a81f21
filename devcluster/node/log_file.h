#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "berth/base/error.h"
#include "berth/base/file.h"

namespace berth::devcluster {

/// A container's output on disk: `<path>`, and `<path>.1` once it was full. At most twice
/// `max_bytes` are kept. Loop thread only.
class LogFile {
 public:
  LogFile(std::filesystem::path path, std::uint64_t max_bytes)
      : path_(std::move(path)), max_bytes_(max_bytes) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Appends, and hands the bytes on to followers. A full disk loses output, not the container;
  /// lost bytes are counted.
  void write(std::string_view bytes);
  std::uint64_t lost_bytes() const { return lost_; }

  /// All that is kept, oldest first.
  std::string read() const;

  /// Who is told of what is written. Shared, so that a follower may end after the log.
  using Followers = std::map<std::uint64_t, std::function<void(std::string_view)>>;
  /// `fn` gets what is written from now on, and an empty piece when the log goes. Ended by erasing
  /// the returned number from followers(), but not inside `fn`.
  std::uint64_t follow(std::function<void(std::string_view)> fn);
  std::weak_ptr<Followers> followers() const { return followers_; }

 private:
  bool open();

  std::filesystem::path path_;
  std::uint64_t max_bytes_;
  std::uint64_t size_ = 0;
  std::uint64_t lost_ = 0;
  UniqueFd fd_;
  std::shared_ptr<Followers> followers_ = std::make_shared<Followers>();
  std::uint64_t last_follower_ = 0;
};

}  // namespace berth::devcluster
