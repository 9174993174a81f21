#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/http/server.h"
#include "worker/session/session_table.h"

namespace berth::worker {

/// The long poll on a worker's slots. A caller that knows the present incarnation waits for a
/// version above the one it has seen; all others are answered at once.
///
/// Changes are gathered for 20 ms, so that a busy worker costs each reader 50 answers a second and
/// no more, except those to and from full and those of the worker's state, on which somebody is
/// waiting: they go out at once.
///
/// Loop thread only. At most `max_waiting` callers wait; beyond that the one that has waited
/// longest gets its answer.
class SlotsHub {
 public:
  static constexpr Duration kGather = std::chrono::milliseconds(20);
  static constexpr Duration kLongestWait = std::chrono::seconds(30);

  /// `keys`: ids of the control keys that are accepted, told beside the slots; empty function: all
  /// are. Whoever changes them raises the table's version and calls changed().
  SlotsHub(EventLoop& loop, const SessionTable& table,
           std::function<std::set<std::string>()> keys = {}, std::size_t max_waiting = 1024);

  void poll(const std::shared_ptr<http::Exchange>& exchange, const std::string& incarnation,
            std::int64_t after, Duration wait);
  /// The table's slots have changed.
  void changed();
  std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter {
    std::shared_ptr<http::Exchange> exchange;
    std::int64_t after = 0;
    Cancel timer;
    std::list<std::shared_ptr<Waiter>>::iterator place;
    bool waits = true;  ///< In waiters_, at place.
  };
  /// What must be told at once: state, and which resources are full.
  std::vector<int> edges() const;
  void answer(const std::shared_ptr<http::Exchange>& exchange) const;
  void leave(Waiter& waiter);
  void release(const std::weak_ptr<Waiter>& weak);
  void flush();

  EventLoop& loop_;
  const SessionTable& table_;
  const std::function<std::set<std::string>()> keys_;
  const std::size_t max_waiting_;
  std::list<std::shared_ptr<Waiter>> waiters_;  ///< Longest waiting first.
  std::int64_t
      told_version_;  ///< What waiters have been told; newer changes are still being gathered.
  std::vector<int> told_edges_;
  Cancel gather_;
};

}  // namespace berth::worker
