#include "devcluster/node/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace berth::devcluster {

LogFile::~LogFile() {
  for (const auto& [id, fn] : *followers_) {
    fn({});
  }
}

bool LogFile::open() {
  if (fd_ && size_ >= max_bytes_) {
    std::error_code ignored;
    std::filesystem::rename(path_, path_.string() + ".1", ignored);
    fd_.reset();
  }
  if (!fd_) {
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    size_ = 0;
  }
  return static_cast<bool>(fd_);
}

void LogFile::write(std::string_view bytes) {
  for (const auto& [id, fn] : *followers_) {
    fn(bytes);
  }
  if (!open()) {
    lost_ += bytes.size();
    return;
  }
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      lost_ += bytes.size();
      return;
    }
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string LogFile::read() const {
  // What is not there (yet) reads as empty.
  const std::uint64_t bound = 2 * max_bytes_ + (1u << 20);
  return read_file(path_.string() + ".1", bound).value_or("") +
         read_file(path_, bound).value_or("");
}

std::uint64_t LogFile::follow(std::function<void(std::string_view)> fn) {
  followers_->emplace(++last_follower_, std::move(fn));
  return last_follower_;
}

}  // namespace berth::devcluster
