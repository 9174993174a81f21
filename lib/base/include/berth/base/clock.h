#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "berth/base/error.h"

namespace berth {

using Duration = std::chrono::nanoseconds;

/// Counts seconds since the machine booted, suspended time included (CLOCK_BOOTTIME). All leases
/// and timers run on it: setting the wall clock does not move it.
struct BootClockTag {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<BootClockTag, Duration>;
  static constexpr bool is_steady = true;
};
using TimePoint = BootClockTag::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// The only source of time. Thread-safe. Waiting is the event loop's business (event_loop.h).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// For timestamps that people or other machines read. Never for deciding whether something
  /// expired.
  virtual WallTime wall_now() const = 0;

  /// The wall-clock time at which `t` comes, judged now.
  WallTime to_wall(TimePoint t) const { return wall_now() + (t - now()); }
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  WallTime wall_now() const override;
};

/// The earlier of two moments of which each may be missing: when to wake next.
template <typename Time>
std::optional<Time> sooner(std::optional<Time> a, std::optional<Time> b) {
  return !a || (b && *b < *a) ? b : a;
}

/// "2026-11-22T18:34:11.250Z": RFC 3339, UTC, milliseconds.
std::string format_rfc3339(WallTime t);
/// With microseconds, as Kubernetes wants for MicroTime (Lease, Event).
std::string format_rfc3339_micro(WallTime t);
/// Accepts any fraction and offset that RFC 3339 allows.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace berth
