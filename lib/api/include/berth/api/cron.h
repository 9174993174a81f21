#pragma once

#include <bitset>
#include <string_view>

#include "berth/base/error.h"

namespace berth::api {

/// A five-field cron expression: minute, hour, day of month, month, day of week. Plain values, no
/// time zone and no clock: it says which local minutes it names (operator/scaling/schedule.h turns
/// them into moments).
///
///   field   values, lists "1,2", ranges "1-5", steps "*/15", "8-18/2" and "5/10" (5, 15, 25, ...)
///   month   1-12 or JAN-DEC; day of week 0-7 or SUN-SAT, 0 and 7 are Sunday; names in any case
///   days    when both day fields are restricted (begin with no '*'), a day that fits either is
///           named; else it must fit both. This is cron's old rule.
///
/// Macros ("@daily"), seconds, "L", "W", "#" and "?" are not part of it.
struct Cron {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;      ///< 1..31.
  std::bitset<13> months;    ///< 1..12.
  std::bitset<7> week_days;  ///< 0 is Sunday.
  bool any_day = false;      ///< The day-of-month field begins with '*'.
  bool any_week_day = false;

  /// The error says which of the five fields is wrong and how. A date that never comes (30
  /// February) is an error too. At most 256 bytes.
  static Result<Cron> parse(std::string_view text);

  /// `month` 1..12, `day` 1..31, `week_day` 0..6 from Sunday.
  bool names_day(unsigned month, unsigned day, unsigned week_day) const;
  bool operator==(const Cron&) const = default;
};

}  // namespace berth::api
