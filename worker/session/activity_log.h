#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "berth/api/activity.h"
#include "berth/api/ids.h"
#include "berth/base/clock.h"
#include "worker/session/record.h"

namespace berth::worker {

/// One activity as its session remembers it.
struct Activity {
  api::ActivityInfo info;
  TimePoint started_at{};
  std::int64_t process_group = 0;  ///< 0: none told.
  bool cancel_asked = false;
};

/// The activities of one session: those that run, the results of the newest that finished, and
/// every id ever used, so that nothing runs twice. Results are bounded by count and bytes, ids by
/// count.
class ActivityLog {
 public:
  struct Limits {
    std::size_t max_results = 100;  ///< Finished activities whose result is kept.
    std::size_t max_result_bytes =
        4u << 20;  ///< Of those together; the newest is kept whatever its size.
    std::size_t max_ids = 100'000;
  };

  ActivityLog() = default;
  explicit ActivityLog(Limits limits) : limits_(limits) {}

  /// Null if unknown or forgotten. Valid until the next change.
  const Activity* find(const api::ActivityId& id) const;
  Activity* find(const api::ActivityId& id);
  /// True when the id was used and its result is no longer kept.
  bool forgotten(const api::ActivityId& id) const { return forgotten_.contains(id); }
  bool full() const { return by_id_.size() + forgotten_.size() >= limits_.max_ids; }

  std::size_t running() const { return running_; }
  std::vector<api::ActivityId> running_ids() const;

  Activity& add(api::ActivityId id, std::string type, TimePoint now);
  /// Takes back what never started.
  void remove(const api::ActivityId& id);
  /// Makes it final, then forgets the oldest results beyond the limits.
  void finish(const ActivityFinishedRecord& outcome);
  /// As a compacted journal tells it.
  void add_forgotten(api::ActivityId id) { forgotten_.insert(std::move(id)); }

  /// Records that rebuild this log.
  void snapshot(const api::SessionId& session, std::vector<Record>& out) const;

 private:
  void trim();

  Limits limits_;
  std::unordered_map<api::ActivityId, Activity> by_id_;
  std::unordered_set<api::ActivityId> forgotten_;
  std::list<std::pair<api::ActivityId, std::size_t>>
      finished_;  ///< Oldest first, with the result's size.
  std::size_t finished_bytes_ = 0;
  std::size_t running_ = 0;
};

ActivityFinishedRecord finished_record(const api::SessionId& session,
                                       const api::ActivityInfo& info);

}  // namespace berth::worker
