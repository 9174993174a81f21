#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "berth/base/clock.h"
#include "berth/base/json.h"
#include "berth/base/strong.h"
#include "lib/api/src/named.h"

/// What FieldReader lacks and more than one file of this library needs. Like it, each function
/// records the first error in the reader; `finish()` tells.
namespace berth::api {

inline constexpr Duration kMaxDuration = std::chrono::hours(10 * 366 * 24);
inline constexpr Duration kMinTimeout = std::chrono::milliseconds(1);
inline constexpr Duration kMinHeartbeat = std::chrono::milliseconds(100);
inline constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
inline constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;

void required_duration(FieldReader& r, std::string_view key, Duration& out, Duration min,
                       Duration max);
void optional_duration(FieldReader& r, std::string_view key, std::optional<Duration>& out,
                       Duration min, Duration max);

/// A span of time as a number of seconds, on the wire with microseconds. Never below 0.
void seconds(FieldReader& r, std::string_view key, Duration& out);
void required_seconds(FieldReader& r, std::string_view key, Duration& out);
double wire_seconds(Duration d);

/// RFC 3339; stays as it is when absent.
void wall_time(FieldReader& r, std::string_view key, WallTime& out);

/// A string of at most `max` bytes; stays as it is when absent.
void bounded(FieldReader& r, std::string_view key, std::string& out, std::size_t max);
void bounded(FieldReader& r, std::string_view key, std::optional<std::string>& out,
             std::size_t max);

template <class Tag>
void required_id(FieldReader& r, std::string_view key, Strong<Tag>& out) {
  std::string text;
  r.required(key, text);
  out = Strong<Tag>(std::move(text));
}

/// One of the table's texts; stays as it is when absent.
template <class E, std::size_t N>
void one_of(FieldReader& r, std::string_view key, const Named<E> (&table)[N], E& out) {
  std::string text(name_of(table, out));
  r.optional(key, text);
  if (const auto value = value_of(table, text)) {
    out = *value;
  } else {
    r.error(key, "must be " + choices(table) + ", is '" + text.substr(0, 64) + "'");
  }
}

/// Letters, digits, '_', '.', '-'; 1 to 63 of them: names of activities.
bool is_activity_name(std::string_view name);

}  // namespace berth::api
