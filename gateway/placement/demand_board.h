#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"

namespace berth::gateway {

/// Wakes those who wait to hear of a change in a pool's demand (long polls). Holds version numbers
/// only; the numbers themselves are read when answering. Loop thread only; the loop must outlive
/// it.
///
/// A change from nobody waiting to somebody, or back, and every change of a short line (64) wakes
/// at once, others after `coalesce`, together.
class DemandBoard {
 public:
  /// Versions start at `first_version`; take one that no earlier process reached (wall time in
  /// microseconds).
  DemandBoard(EventLoop& loop, std::int64_t first_version,
              Duration coalesce = std::chrono::milliseconds(20));

  void changed(const std::string& pool_key, std::size_t waiting);
  std::int64_t version(const std::string& pool_key) const;

  /// Calls `fn` once: posted if the version is not `after`, else at the next change, or after
  /// `wait`. Destroying the handle drops it.
  Cancel wait(const std::string& pool_key, std::int64_t after, Duration wait,
              std::function<void()> fn);
  /// Nobody need hear of this pool again.
  void forget(const std::string& pool_key);
  std::size_t waiters() const { return *waiters_; }

 private:
  struct Waiter;
  struct Pool {
    std::int64_t version = 0;
    bool empty = true;
    std::map<std::uint64_t, std::weak_ptr<Waiter>> waiters;
    Cancel wake;
  };
  void wake(Pool& pool);

  EventLoop& loop_;
  std::int64_t last_version_;
  const std::int64_t first_version_;
  Duration coalesce_;
  std::uint64_t last_waiter_ = 0;
  std::map<std::string, Pool> pools_;
  std::shared_ptr<std::size_t> waiters_ = std::make_shared<std::size_t>(0);
};

}  // namespace berth::gateway
