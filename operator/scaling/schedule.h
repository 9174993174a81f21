#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "berth/api/session_pool.h"
#include "operator/model/observed.h"

namespace date {
class time_zone;
}

namespace berth::op {

/// A pool's schedules with their time zones. Immutable.
///
/// A local time that a clock change skips counts as the moment of the change. One that comes twice
/// counts the first time; where the cron expression names every hour, both times.
class ScheduleBook {
 public:
  /// The error names the schedule's timeZone when the time zone database lacks it.
  static Result<ScheduleBook> make(const std::vector<api::ScheduleSpec>& schedules);

  struct Minimum {
    std::int64_t min_workers = 0;
    std::string name;               ///< Of the schedule that decides; empty: none is active.
    std::optional<WallTime> until;  ///< When to ask again; nothing without schedules.
  };
  /// The highest minimum of the schedules that are active at `wall`.
  Minimum at(WallTime wall) const;

 private:
  struct Entry {
    api::ScheduleSpec spec;
    const date::time_zone* zone;  ///< Of the database, which lives as long as the process.
  };
  std::vector<Entry> entries_;
};

/// The first moment after `after` that `cron` names in `zone`. Nothing within 40 years.
std::optional<WallTime> next_start(const api::Cron& cron, const date::time_zone& zone,
                                   WallTime after);

/// Remembers what a book said until that may have changed, so that a plan costs no calendar. A
/// clock that was set is noticed within an hour.
class ScheduleCache {
 public:
  /// `book` null: no schedules.
  const ScheduledMinimum& minimum(const std::shared_ptr<const ScheduleBook>& book,
                                  const Clock& clock);

 private:
  std::shared_ptr<const ScheduleBook> book_;
  ScheduledMinimum minimum_;
};

}  // namespace berth::op
