#include "berth/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace berth {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = fd;
}

Result<Pipe> Pipe::make() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(errno, "making a pipe"));
  }
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return fail(Error::from_errno(errno, "opening " + path.string()));
  }
  std::string out;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n == 0) {
      return out;
    }
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail(Error::from_errno(errno, "reading " + path.string()));
    }
    if (out.size() + static_cast<std::size_t>(n) > max_bytes) {
      return fail(
          Error::make(ErrorCode::kResourceExhausted, "TooLarge",
                      path.string() + " is larger than " + std::to_string(max_bytes) + " bytes"));
    }
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Status write_file_atomic(const std::filesystem::path& path, std::string_view content, int mode,
                         Outlives outlives) {
  std::error_code unknown;
  const auto before = std::filesystem::status(path, unknown);
  if (std::filesystem::exists(before) && !std::filesystem::is_regular_file(before)) {
    return fail(Error::invalid("", path.string() + " is not a file that could be replaced"));
  }
  std::string temporary = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) {
    return fail(Error::from_errno(errno, "creating a file beside " + path.string()));
  }
  const auto give_up = [&](std::string_view doing) {
    const int err = errno;
    ::unlink(temporary.c_str());
    return fail(Error::from_errno(err, std::string(doing) + " " + temporary));
  };
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return give_up("writing");
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0 ||
      (outlives == Outlives::kMachine && ::fsync(fd.get()) != 0)) {
    return give_up("finishing");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return give_up("renaming");
  }
  return {};
}

}  // namespace berth
