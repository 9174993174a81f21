#pragma once

#include <optional>
#include <string>

#include "berth/base/json.h"
#include "operator/plan/plan.h"

namespace berth::op {

/// The status of a pool whose spec cannot be read.
Json make_invalid_status(const Json& old_status, std::int64_t generation, const Error& error,
                         WallTime wall);

/// Counts in words, for the metrics berth_pool_workers{state} and berth_pool_session_slots{state}.
struct PoolCounts {
  std::int64_t desired = 0;
  std::int64_t current = 0;
  std::int64_t ready = 0;
  std::int64_t updated = 0;
  std::int64_t starting = 0;
  std::int64_t cordoned = 0;
  std::int64_t draining = 0;
  std::int64_t unreadable = 0;
  std::int64_t terminating = 0;
  std::int64_t failed = 0;
  std::int64_t slots_capacity = 0;
  std::int64_t slots_used = 0;
  std::int64_t slots_free = 0;
  std::int64_t waiting = 0;
};
PoolCounts count(const Observed& observed, const Plan& plan, TimePoint now);

/// What the operator may not see or do, for the condition DisruptionAware.
struct Surroundings {
  bool nodes_forbidden = false;
  std::string budget_trouble;  ///< Why there is no PodDisruptionBudget; empty: there is one.
};

/// The pool's status as JSON. Pure. `old` is the status as last written, for the times of
/// transitions; `wall` is the time for new ones.
Json make_status(const Observed& observed, const Plan& plan, const PoolCounts& counts,
                 const Surroundings& surroundings, const Json& old, WallTime wall);

/// What people should hear of once `status` is written where `before` was: the pool got into
/// trouble, into another one, or out of it.
std::optional<Notice> trouble_notice(const Json& before, const Json& status);

/// Decides when a status is worth an API write. One per pool. Loop thread only.
class StatusGate {
 public:
  enum class Verdict { kNothing, kWrite, kLater };
  /// `kLater`: only session counts differ and the last write is younger than 30 s; ask again at
  /// write_at().
  Verdict judge(const Json& current, const Json& wanted, TimePoint now);
  void written(TimePoint now) { last_write_ = now; }
  TimePoint write_at() const;

 private:
  std::optional<TimePoint> last_write_;
};

}  // namespace berth::op
