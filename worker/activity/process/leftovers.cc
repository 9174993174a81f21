#include "worker/activity/process/leftovers.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include "berth/base/file.h"
#include "worker/activity/process/marker.h"
#include "worker/activity/process/pidfd.h"
#include "worker/activity/process/process_table.h"

namespace berth::worker {
namespace {

bool carries(pid_t pid, const std::string& marker, std::uint64_t mark) {
  return read_limit_mark(pid) == mark || has_environment_mark(pid, marker);
}

std::vector<ProcessInfo> find_members(const std::vector<ProcessInfo>& all, int process_group,
                                      const std::string& marker) {
  const std::uint64_t mark = limit_mark(marker);
  std::set<pid_t> members;
  bool group_is_ours = false;
  for (const ProcessInfo& p : all) {
    if (p.pid != ::getpid() && !p.dead && carries(p.pid, marker, mark)) {
      members.insert(p.pid);
      group_is_ours = group_is_ours || (process_group > 0 && p.group == process_group);
    }
  }
  // Each round takes in one more generation of children.
  for (std::size_t before = members.size() + 1; before != members.size();) {
    before = members.size();
    for (const ProcessInfo& p : all) {
      if (p.pid != ::getpid() &&
          (members.contains(p.parent) || (group_is_ours && p.group == process_group))) {
        members.insert(p.pid);
      }
    }
  }
  std::vector<ProcessInfo> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [&](const ProcessInfo& p) { return !p.dead && members.contains(p.pid); });
  return out;
}

// A descriptor becomes readable when its process has died, so this waits for an event, not for
// time.
void await_death(const std::vector<ProcessInfo>& processes, Duration patience) {
  for (const ProcessInfo& p : processes) {
    const UniqueFd fd(pidfd_open(p.pid));
    const auto now = find_process(p.pid);
    if (!fd || !now || now->start_time != p.start_time) {
      continue;
    }
    pollfd poll{fd.get(), POLLIN, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
    ::poll(&poll, 1, static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000)));
    // If it has become a child of ours it is ours to reap; else this does nothing.
    ::waitpid(p.pid, nullptr, WNOHANG);
  }
}

}  // namespace

Result<std::size_t> kill_leftovers(int process_group, const std::string& marker,
                                   Duration patience) {
  const SystemClock clock;
  const TimePoint deadline = clock.now() + patience;
  std::set<std::pair<pid_t, std::uint64_t>> killed;
  for (;;) {
    BERTH_ASSIGN(const std::vector<ProcessInfo> all, list_processes());
    const std::vector<ProcessInfo> members = find_members(all, process_group, marker);
    if (members.empty()) {
      return killed.size();
    }
    const Duration left = deadline - clock.now();
    if (left <= Duration::zero()) {
      return fail(Error::make(ErrorCode::kUnavailable, "ProcessesLeft",
                              "process " + std::to_string(members.front().pid) + " and " +
                                  std::to_string(members.size() - 1) +
                                  " more of an earlier activity survive SIGKILL"));
    }
    for (const ProcessInfo& p : members) {
      if (signal_process(p, SIGKILL)) {
        killed.emplace(p.pid, p.start_time);
      }
    }
    await_death(members, left);
  }
}

}  // namespace berth::worker
