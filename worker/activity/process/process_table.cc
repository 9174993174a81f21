#include "worker/activity/process/process_table.h"

#include <dirent.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "berth/base/file.h"
#include "worker/activity/process/pidfd.h"

namespace berth::worker {
namespace {

// Fields of /proc/<pid>/stat after the command name, see proc(5); the first is the state.
constexpr std::size_t kParent = 1;
constexpr std::size_t kGroup = 2;
constexpr std::size_t kThreads = 17;
constexpr std::size_t kStartTime = 19;

std::optional<ProcessInfo> parse_stat(pid_t pid, std::string_view stat) {
  // The name stands in parentheses and may itself contain anything, parentheses too.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 4 > stat.size()) {
    return std::nullopt;
  }
  const char state = stat[name_end + 2];
  std::array<std::int64_t, kStartTime + 1> field{};
  const char* at = stat.data() + name_end + 3;
  const char* const end = stat.data() + stat.size();
  for (std::size_t i = 1; i < field.size(); ++i) {
    while (at != end && *at == ' ') {
      ++at;
    }
    const auto parsed = std::from_chars(at, end, field[i]);
    if (parsed.ec != std::errc()) {
      return std::nullopt;
    }
    at = parsed.ptr;
  }
  ProcessInfo info;
  info.pid = pid;
  info.parent = static_cast<pid_t>(field[kParent]);
  info.group = static_cast<pid_t>(field[kGroup]);
  // The state is that of the first thread, which may have ended before the others.
  info.dead = (state == 'Z' || state == 'X') && field[kThreads] <= 1;
  info.start_time = static_cast<std::uint64_t>(field[kStartTime]);
  return info;
}

}  // namespace

std::optional<ProcessInfo> find_process(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 8u << 10);
  return stat ? parse_stat(pid, *stat) : std::nullopt;
}

Result<std::vector<ProcessInfo>> list_processes() {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), &::closedir);
  if (dir == nullptr) {
    return fail(Error::from_errno(errno, "opening /proc"));
  }
  std::vector<ProcessInfo> all;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this DIR.
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
      continue;
    }
    if (const auto info = find_process(pid)) {
      all.push_back(*info);
    }
  }
  return all;
}

bool signal_process(const ProcessInfo& process, int signal) {
  const UniqueFd fd(pidfd_open(process.pid));
  if (!fd) {
    return false;
  }
  // The descriptor pins whoever has the number now; only then is it worth asking who that is.
  const auto now = find_process(process.pid);
  return now && now->start_time == process.start_time && pidfd_send_signal(fd.get(), signal) == 0;
}

}  // namespace berth::worker
