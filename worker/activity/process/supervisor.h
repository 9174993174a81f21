#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/observe/log.h"
#include "worker/activity/process/process_table.h"

namespace berth::worker {

/// Knows at any time which processes belong to which activity. One per worker process; loop thread
/// only.
///
/// It makes this process the reaper of its orphans (PR_SET_CHILD_SUBREAPER), so whatever an
/// activity starts stays among our descendants until it is dead. A *sweep* reads the process table
/// once for all activities: it sorts our descendants by activity (by ancestry, then by the marks of
/// marker.h), tells each activity its living processes, and reaps orphans that have died. It
/// happens on request, and ten times a second while an activity has a limit on processes, else
/// every two seconds (every 30 when there is none).
///
/// Zombie children that carry no mark of ours are taken to belong to code around us that waits for
/// them itself; they are reaped after a minute (in a container, where this is process 1, they may
/// be orphans of a `kubectl exec`). A library's user who starts processes should therefore wait for
/// them within a minute of their end.
///
/// Sets SIGPIPE to be ignored: a command may close its stdin early.
class ProcessSupervisor {
 public:
  /// What it watches for one activity. Callbacks may add and remove watches.
  struct Watch {
    pid_t leader = 0;
    std::string marker;
    bool frequent = false;  ///< Needs the short interval.
    /// The living processes, without the leader once that is dead.
    std::function<void(const std::vector<ProcessInfo>&)> on_sweep;
  };

  ProcessSupervisor(AsioLoop& loop, Log log);
  ~ProcessSupervisor();
  ProcessSupervisor(const ProcessSupervisor&) = delete;
  ProcessSupervisor& operator=(const ProcessSupervisor&) = delete;

  /// Until the handle is destroyed.
  Cancel watch(Watch watch);
  /// A sweep as soon as the loop gets to it; requests until then share it.
  void sweep_soon();

  AsioLoop& loop() { return loop_; }
  const Log& log() const { return log_; }

 private:
  using Id = std::uint64_t;
  struct Entry {
    Id id;
    Watch watch;
    std::uint64_t mark;
    std::vector<ProcessInfo> alive;
  };

  void sweep();
  void sort_into_entries(const std::vector<ProcessInfo>& all);
  Entry* owner_of_child(const ProcessInfo& child, bool& ours);
  void reap(const ProcessInfo& zombie, bool ours);
  void schedule();

  AsioLoop& loop_;
  Log log_;
  std::list<Entry> entries_;
  std::map<std::pair<pid_t, std::uint64_t>, TimePoint>
      strangers_;  // Zombies without a mark, when first seen.
  Id last_id_ = 0;
  bool requested_ = false;
  TimePoint next_sweep_ = TimePoint::max();
  Cancel timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
