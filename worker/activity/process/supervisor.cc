#include "worker/activity/process/supervisor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>

#include "worker/activity/process/marker.h"

namespace berth::worker {
namespace {
constexpr Duration kFrequent = std::chrono::milliseconds(100);
constexpr Duration kUsual = std::chrono::seconds(2);
constexpr Duration kIdle = std::chrono::seconds(30);
constexpr Duration kStrangerAge = std::chrono::minutes(1);
}  // namespace

ProcessSupervisor::ProcessSupervisor(AsioLoop& loop, Log log) : loop_(loop), log_(std::move(log)) {
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    log_.error("this process cannot become a reaper of orphans; stray processes may go unseen");
  }
  schedule();
}

ProcessSupervisor::~ProcessSupervisor() = default;

Cancel ProcessSupervisor::watch(Watch watch) {
  const Id id = ++last_id_;
  const std::uint64_t mark = limit_mark(watch.marker);
  entries_.push_back({id, std::move(watch), mark, {}});
  schedule();
  return Cancel([this, id, weak = std::weak_ptr(alive_)] {
    if (!weak.expired()) {
      entries_.remove_if([id](const Entry& e) { return e.id == id; });
    }
  });
}

void ProcessSupervisor::sweep_soon() {
  if (std::exchange(requested_, true)) {
    return;
  }
  loop_.post([this, weak = std::weak_ptr(alive_)] {
    if (!weak.expired()) {
      requested_ = false;
      sweep();
    }
  });
}

void ProcessSupervisor::schedule() {
  const bool frequent = std::any_of(entries_.begin(), entries_.end(),
                                    [](const Entry& e) { return e.watch.frequent; });
  const TimePoint when = loop_.clock().now() + (frequent           ? kFrequent
                                                : entries_.empty() ? kIdle
                                                                   : kUsual);
  if (when < next_sweep_) {
    next_sweep_ = when;
    timer_ = loop_.call_at(when, [this] { sweep(); });
  }
}

ProcessSupervisor::Entry* ProcessSupervisor::owner_of_child(const ProcessInfo& child, bool& ours) {
  for (Entry& e : entries_) {
    if (e.watch.leader == child.pid || e.watch.leader == child.group) {
      ours = true;
      return &e;
    }
  }
  if (const auto mark = read_limit_mark(child.pid)) {
    ours = true;
    for (Entry& e : entries_) {
      if (e.mark == *mark) {
        return &e;
      }
    }
  }
  for (Entry& e : entries_) {
    if (has_environment_mark(child.pid, e.watch.marker)) {
      ours = true;
      return &e;
    }
  }
  return nullptr;
}

void ProcessSupervisor::sort_into_entries(const std::vector<ProcessInfo>& all) {
  std::unordered_map<pid_t, std::vector<const ProcessInfo*>> children;
  for (const ProcessInfo& p : all) {
    children[p.parent].push_back(&p);
  }
  for (const ProcessInfo* child : children[::getpid()]) {
    bool ours = false;
    Entry* const owner = owner_of_child(*child, ours);
    const bool leader = owner != nullptr && owner->watch.leader == child->pid;
    if (child->dead && !leader) {
      reap(*child, ours);
    }
    if (owner == nullptr) {
      continue;
    }
    std::vector<const ProcessInfo*> open{child};
    while (!open.empty()) {
      const ProcessInfo* const p = open.back();
      open.pop_back();
      if (!p->dead) {
        owner->alive.push_back(*p);
      }
      const auto below = children.find(p->pid);
      if (below != children.end()) {
        open.insert(open.end(), below->second.begin(), below->second.end());
      }
    }
  }
}

void ProcessSupervisor::reap(const ProcessInfo& zombie, bool ours) {
  const std::pair key(zombie.pid, zombie.start_time);
  if (!ours) {
    const TimePoint first_seen = strangers_.emplace(key, loop_.clock().now()).first->second;
    if (loop_.clock().now() - first_seen < kStrangerAge) {
      return;
    }
    log_.info("reaped a process that nobody waited for", {{"pid", zombie.pid}});
  }
  ::waitpid(zombie.pid, nullptr, WNOHANG);
}

void ProcessSupervisor::sweep() {
  next_sweep_ = TimePoint::max();
  schedule();
  const auto all = list_processes();
  if (!all) {
    log_.error("the process table cannot be read", {{"error", all.error()}});
    return;
  }
  std::erase_if(strangers_, [&](const auto& s) {
    return std::none_of(all->begin(), all->end(), [&](const ProcessInfo& p) {
      return p.pid == s.first.first && p.start_time == s.first.second;
    });
  });
  for (Entry& e : entries_) {
    e.alive.clear();
  }
  sort_into_entries(*all);

  std::vector<Id> ids;
  for (const Entry& e : entries_) {
    ids.push_back(e.id);
  }
  for (const Id id : ids) {
    const auto e = std::find_if(entries_.begin(), entries_.end(),
                                [id](const Entry& entry) { return entry.id == id; });
    if (e != entries_.end()) {
      // Copies, because the callback may end this very watch.
      const auto on_sweep = e->watch.on_sweep;
      const auto alive = std::move(e->alive);
      on_sweep(alive);
    }
  }
}

}  // namespace berth::worker
