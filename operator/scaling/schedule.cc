#include "operator/scaling/schedule.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace berth::op {
namespace {

constexpr int kMostDays = 40 * 366;
constexpr Duration kTrustClockFor = std::chrono::hours(1);

using Moments = std::vector<date::sys_seconds>;

Moments moments_of(const date::time_zone& zone, date::local_seconds local, bool both) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) {
    return {info.first.end};
  }
  Moments out = {date::sys_seconds(local.time_since_epoch() - info.first.offset)};
  if (info.result == date::local_info::ambiguous && both) {
    out.emplace_back(local.time_since_epoch() - info.second.offset);
  }
  return out;
}

// The first moment of this local day after `after`.
std::optional<date::sys_seconds> first_of_day(const api::Cron& cron, const date::time_zone& zone,
                                              date::local_days day, date::sys_seconds after) {
  const bool every_hour = cron.hours.all();
  const auto last = moments_of(zone, day + std::chrono::minutes(24 * 60 - 1), true);
  if (last.back() <= after) {
    return std::nullopt;
  }
  std::optional<date::sys_seconds> best;
  for (unsigned hour = 0; hour < cron.hours.size(); ++hour) {
    for (unsigned minute = 0; cron.hours[hour] && minute < cron.minutes.size(); ++minute) {
      if (!cron.minutes[minute]) {
        continue;
      }
      const date::local_seconds local = day + std::chrono::minutes(hour * 60 + minute);
      for (const date::sys_seconds moment : moments_of(zone, local, every_hour)) {
        if (moment > after && (!best || moment < *best)) {
          best = moment;
        }
      }
    }
  }
  return best;
}

Result<const date::time_zone*> find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return fail(Error::invalid("", "'" + name + "' is not in the time zone database"));
  }
}

}  // namespace

std::optional<WallTime> next_start(const api::Cron& cron, const date::time_zone& zone,
                                   WallTime after) {
  const auto from = date::floor<std::chrono::seconds>(after);
  // The day before may come again at midnight.
  auto day = date::floor<date::days>(zone.to_local(from)) - date::days(1);
  for (int i = 0; i < kMostDays; ++i, day += date::days(1)) {
    const date::year_month_day ymd(day);
    const unsigned week_day = date::weekday(day).c_encoding();
    if (!cron.names_day(unsigned(ymd.month()), unsigned(ymd.day()), week_day)) {
      continue;
    }
    if (const auto found = first_of_day(cron, zone, day, from)) {
      return WallTime(*found);
    }
  }
  return std::nullopt;
}

Result<ScheduleBook> ScheduleBook::make(const std::vector<api::ScheduleSpec>& schedules) {
  ScheduleBook book;
  for (std::size_t i = 0; i < schedules.size(); ++i) {
    auto zone = find_zone(schedules[i].time_zone);
    if (!zone) {
      return fail(Error::invalid("spec.scaling.schedules[" + std::to_string(i) + "].timeZone",
                                 zone.error().message));
    }
    book.entries_.push_back({schedules[i], *zone});
  }
  return book;
}

ScheduleBook::Minimum ScheduleBook::at(WallTime wall) const {
  Minimum m;
  for (const Entry& e : entries_) {
    const auto start = next_start(e.spec.cron, *e.zone, wall - e.spec.duration);
    if (!start) {
      continue;
    }
    const bool active = *start <= wall;
    const WallTime change = active ? *start + e.spec.duration : *start;
    m.until = m.until ? std::min(*m.until, change) : change;
    if (active && (m.name.empty() || e.spec.min_workers > m.min_workers)) {
      m.min_workers = e.spec.min_workers;
      m.name = e.spec.name;
    }
  }
  return m;
}

const ScheduledMinimum& ScheduleCache::minimum(const std::shared_ptr<const ScheduleBook>& book,
                                               const Clock& clock) {
  const TimePoint now = clock.now();
  if (book == book_ && (!minimum_.until || now < *minimum_.until)) {
    return minimum_;
  }
  book_ = book;
  minimum_ = {};
  if (book) {
    const WallTime wall = clock.wall_now();
    ScheduleBook::Minimum m = book->at(wall);
    minimum_.min_workers = m.min_workers;
    minimum_.name = std::move(m.name);
    if (m.until) {
      minimum_.until = now + std::min<Duration>(*m.until - wall, kTrustClockFor);
    }
  }
  return minimum_;
}

}  // namespace berth::op
