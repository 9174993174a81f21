#include "worker/activity/process/marker.h"

#include <fcntl.h>

#include <charconv>
#include <string_view>

#include "berth/base/file.h"

namespace berth::worker {
namespace {

constexpr std::uint64_t kPrefix = 0x0B37ULL << 48;
constexpr std::uint64_t kHashBits = (1ULL << 48) - 1;
// ARG_MAX is 2 MiB by default; a process may raise it, but then it is not one that we started.
constexpr std::uint64_t kMaxEnvironment = 8u << 20;

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

std::string activity_marker(const std::filesystem::path& session_directory,
                            const api::ActivityId& activity) {
  return session_directory.lexically_normal().string() + "/" + activity.str();
}

std::uint64_t limit_mark(const std::string& marker) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a: stable over versions, unlike std::hash.
  for (const char c : marker) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return kPrefix | ((hash ^ (hash >> 48)) & kHashBits);
}

bool is_limit_mark(std::uint64_t limit) {
  return (limit & ~kHashBits) == kPrefix;
}

std::optional<std::uint64_t> read_limit_mark(pid_t pid) {
  const auto text = read_file(proc_path(pid, "limits"), 64u << 10);
  if (!text) {
    return std::nullopt;
  }
  constexpr std::string_view kRow = "Max realtime timeout";
  const std::size_t row = text->find(kRow);
  if (row == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t value = text->find_first_not_of(' ', row + kRow.size());
  std::uint64_t limit = 0;
  if (value == std::string::npos ||
      std::from_chars(text->data() + value, text->data() + text->size(), limit).ec != std::errc() ||
      !is_limit_mark(limit)) {
    return std::nullopt;
  }
  return limit;
}

bool has_environment_mark(pid_t pid, const std::string& marker) {
  const auto environment = read_file(proc_path(pid, "environ"), kMaxEnvironment);
  if (!environment) {
    return false;
  }
  const std::string entry = std::string(kMarkerVariable) + "=" + marker;
  std::string_view rest = *environment;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('\0'));
    if (one == entry) {
      return true;
    }
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return false;
}

}  // namespace berth::worker
