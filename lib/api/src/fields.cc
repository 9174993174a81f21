#include "lib/api/src/fields.h"

#include <algorithm>
#include <cmath>

#include "berth/base/duration.h"

namespace berth::api {

void required_duration(FieldReader& r, std::string_view key, Duration& out, Duration min,
                       Duration max) {
  if (r.take(key) == nullptr) {
    r.error(key, "is required");
    return;
  }
  r.duration(key, out, min, max);
}

void optional_duration(FieldReader& r, std::string_view key, std::optional<Duration>& out,
                       Duration min, Duration max) {
  Duration d(-1);
  r.duration(key, d, min, max);
  if (d.count() >= 0) {
    out = d;
  }
}

void seconds(FieldReader& r, std::string_view key, Duration& out) {
  double value = to_seconds(out);
  r.optional(key, value, 0, to_seconds(kMaxDuration));
  out = std::chrono::microseconds(std::llround(value * 1e6));
}

void required_seconds(FieldReader& r, std::string_view key, Duration& out) {
  if (r.take(key) == nullptr) {
    r.error(key, "is required");
    return;
  }
  seconds(r, key, out);
}

double wire_seconds(Duration d) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return static_cast<double>(std::max<std::int64_t>(micros, 0)) / 1e6;
}

void wall_time(FieldReader& r, std::string_view key, WallTime& out) {
  std::string text;
  r.optional(key, text);
  if (text.empty()) {
    return;
  }
  if (const auto t = parse_rfc3339(text)) {
    out = *t;
  } else {
    r.error(key, t.error().message);
  }
}

void bounded(FieldReader& r, std::string_view key, std::string& out, std::size_t max) {
  r.optional(key, out);
  if (out.size() > max) {
    r.error(key,
            "must be at most " + std::to_string(max) + " bytes, is " + std::to_string(out.size()));
  }
}

void bounded(FieldReader& r, std::string_view key, std::optional<std::string>& out,
             std::size_t max) {
  const Json* v = r.take(key);
  if (v == nullptr) {
    return;
  }
  if (!v->is_string()) {
    r.error(key, "must be a string");
  } else if (out = v->get<std::string>(); out->size() > max) {
    r.error(key,
            "must be at most " + std::to_string(max) + " bytes, is " + std::to_string(out->size()));
  }
}

bool is_activity_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

}  // namespace berth::api
