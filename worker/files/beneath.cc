#include "worker/files/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace berth::worker {
namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxParts = 64;
constexpr std::size_t kMaxPart = 255;
constexpr int kRaces = 8;

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& p : parts) {
    out += (out.empty() ? "" : "/") + p;
  }
  return out.empty() ? "." : out;
}

Error explain(int error, const std::vector<std::string>& parts) {
  if (error == EXDEV || error == ELOOP) {
    return Error::invalid("path", "leads out of the session's directory through a symbolic link");
  }
  if (error == ENOTDIR) {
    return Error::make(ErrorCode::kNotFound, "NotADirectory",
                       joined(parts) + ": a part of the path is not a directory");
  }
  return disk_error(error, "opening " + joined(parts));
}

// -1 and errno, as open(2).
int open_by_kernel(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  // EAGAIN: something was renamed meanwhile, so the kernel cannot vouch for the path.
  for (int i = 0; i < kRaces; ++i) {
    fd = static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN) {
      break;
    }
  }
  return fd;
}

int open_by_walking(int root, const std::vector<std::string>& parts, int flags) {
  if (parts.empty()) {
    return ::openat(root, ".", flags | O_CLOEXEC);
  }
  UniqueFd at;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const int from = i == 0 ? root : at.get();
    const int next =
        ::openat(from, parts[i].c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) {
      return -1;
    }
    at.reset(next);
  }
  const int fd =
      ::openat(at ? at.get() : root, parts.back().c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  struct stat info {};
  // With O_PATH a link itself would be opened.
  if (fd >= 0 && (flags & O_PATH) != 0 && ::fstat(fd, &info) == 0 && S_ISLNK(info.st_mode)) {
    ::close(fd);
    errno = ELOOP;
    return -1;
  }
  return fd;
}

}  // namespace

Error disk_error(int error, std::string_view doing) {
  if (error == ENOSPC || error == EDQUOT) {
    return Error::make(ErrorCode::kResourceExhausted, "DiskFull",
                       std::string(doing) + ": no space is left on the worker's disk");
  }
  return Error::from_errno(error, doing);
}

Result<std::vector<std::string>> split_path(std::string_view path) {
  if (path.size() > kMaxPath) {
    return fail(Error::invalid("path", "is longer than " + std::to_string(kMaxPath) + " bytes"));
  }
  if (path.find('\0') != std::string_view::npos) {
    return fail(Error::invalid("path", "contains NUL"));
  }
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") {
      return fail(Error::invalid(
          "path", "must be relative to the session's directory, without empty parts, . and .."));
    }
    if (part.size() > kMaxPart || parts.size() == kMaxParts) {
      return fail(Error::invalid("path", "has a part longer than 255 bytes or more than " +
                                             std::to_string(kMaxParts) + " parts"));
    }
    parts.emplace_back(part);
    if (end == std::string_view::npos) {
      break;
    }
    path.remove_prefix(end + 1);
    if (path.empty()) {
      return fail(Error::invalid("path", "must not end with a slash"));
    }
  }
  return parts;
}

Result<UniqueFd> open_beneath(int root, const std::vector<std::string>& parts, int flags,
                              Resolve how) {
  int fd = -1;
  if (how == Resolve::kByKernel) {
    fd = open_by_kernel(root, joined(parts), flags);
    // Sandboxes that do not know the call answer EPERM.
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
      how = Resolve::kByWalking;
    }
  }
  if (how == Resolve::kByWalking) {
    fd = open_by_walking(root, parts, flags);
  }
  if (fd < 0) {
    return fail(explain(errno, parts));
  }
  return UniqueFd(fd);
}

Result<UniqueFd> open_or_make_directory(int root, const std::vector<std::string>& parts,
                                        Resolve how) {
  constexpr int kFlags = O_PATH | O_DIRECTORY;
  auto whole = open_beneath(root, parts, kFlags, how);
  if (whole || whole.error().code != ErrorCode::kNotFound ||
      whole.error().reason == "NotADirectory") {
    return whole;
  }
  std::vector<std::string> prefix;
  BERTH_ASSIGN(UniqueFd at, open_beneath(root, prefix, kFlags, how));
  for (const std::string& part : parts) {
    if (::mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(disk_error(errno, "making the directory " + part));
    }
    prefix.push_back(part);
    // From the root each time: a link inside the session may go up and down again.
    BERTH_ASSIGN(at, open_beneath(root, prefix, kFlags, how));
  }
  return at;
}

}  // namespace berth::worker
