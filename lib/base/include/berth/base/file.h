#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "berth/base/error.h"

namespace berth {

/// Owns a file descriptor. -1 is none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& o) noexcept {
    if (this != &o) {
      reset(std::exchange(o.fd_, -1));
    }
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A pipe that no child inherits.
struct Pipe {
  UniqueFd read;
  UniqueFd write;

  static Result<Pipe> make();
};

/// The whole file. More than `max_bytes` is kResourceExhausted: nothing from outside is unbounded.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t max_bytes = 16u << 20);

/// What a written file is to outlive.
enum class Outlives {
  kMachine,  ///< A crash of the machine: fsynced.
  kProcess,  ///< This process: the kernel has it.
};

/// Writes beside, fsyncs, renames: a reader sees the old file or the new one, never a part. What is
/// there and no file stays (kInvalidArgument): root could replace /dev/null.
Status write_file_atomic(const std::filesystem::path& path, std::string_view content,
                         int mode = 0644, Outlives outlives = Outlives::kMachine);

}  // namespace berth
