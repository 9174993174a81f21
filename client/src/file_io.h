#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/random.h"
#include "berth/http/message.h"

namespace berth::client {

/// Runs a job that blocks, on another thread; false when it cannot be taken. A test may run it at
/// once.
using RunBlocking = std::function<bool(std::function<void()>)>;

/// A regular file that is read from its beginning, several times if need be.
class LocalFile {
 public:
  /// Blocks. The error's field is "local".
  static Result<std::shared_ptr<LocalFile>> open(const std::filesystem::path& path);
  LocalFile(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

  std::uint64_t size() const { return size_; }
  /// Up to 64 KiB from `at`. Thread-safe. An error at the end: the file has become shorter.
  Result<std::string> read_at(std::uint64_t at) const;

 private:
  const UniqueFd fd_;
  const std::uint64_t size_;
};

/// A body with the content of a file. The bytes are read off the loop. `moved` runs at each chunk.
std::shared_ptr<http::BodySource> file_source(EventLoop& loop, RunBlocking run,
                                              std::shared_ptr<const LocalFile> file,
                                              std::function<void()> moved);

/// A file that takes the place of `target` when it is complete, and vanishes when it never is. A
/// target that is there and no regular file, such as a pipe or /dev/null, is written as it comes.
class PartFile {
 public:
  /// Blocks. The error's field is "local".
  static Result<std::shared_ptr<PartFile>> create(const std::filesystem::path& target,
                                                  Random& random);
  PartFile(UniqueFd fd, std::filesystem::path part, std::filesystem::path target)
      : fd_(std::move(fd)), part_(std::move(part)), target_(std::move(target)) {}
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // Each blocks; one at a time.
  Status restart();
  Status append(const std::string& bytes);
  Status commit();

 private:
  bool in_place() const { return part_.empty(); }

  UniqueFd fd_;
  const std::filesystem::path part_;  ///< Empty: there is none.
  const std::filesystem::path target_;
  bool committed_ = false;
  bool written_ = false;
};

}  // namespace berth::client
