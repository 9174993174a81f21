#include "berth/base/duration.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace berth {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
// Longest name first where one begins with another ("ms" before "m").
constexpr std::array<Unit, 5> kUnits{{{"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000}}};
constexpr double kMaxNanos = 10.0 * 366 * 24 * 3600 * 1e9;

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return fail(Error::invalid("", "'" + std::string(text.substr(0, 64)) +
                                       "' is no duration; write it like 20s, 1h30m or 250ms"));
  };
  if (text == "0") {
    return Duration(0);
  }
  if (text.empty() || text.size() > 64) {
    return bad();
  }
  double total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    double value = 0;
    double scale = 0;
    std::size_t i = 0;
    bool digit = false;
    for (; i < rest.size(); ++i) {
      const char c = rest[i];
      if (c >= '0' && c <= '9') {
        digit = true;
        if (scale == 0) {
          value = value * 10 + (c - '0');
        } else {
          value += (c - '0') * scale;
          scale /= 10;
        }
      } else if (c == '.' && scale == 0) {
        scale = 0.1;
      } else {
        break;
      }
    }
    rest.remove_prefix(i);
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits) {
      if (rest.starts_with(u.name)) {
        unit = &u;
        break;
      }
    }
    if (!digit || unit == nullptr) {
      return bad();
    }
    rest.remove_prefix(unit->name.size());
    total += value * static_cast<double>(unit->nanos);
    if (total > kMaxNanos) {
      return fail(Error::invalid("", "'" + std::string(text) + "' is longer than 10 years"));
    }
  }
  return Duration(static_cast<std::int64_t>(std::llround(total)));
}

std::string format_duration(Duration d) {
  std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  if (micros <= 0) {
    return "0s";
  }
  std::string out;
  const auto take = [&](std::int64_t unit, std::string_view name) {
    if (micros >= unit) {
      out += std::to_string(micros / unit);
      out += name;
      micros %= unit;
    }
  };
  take(3'600'000'000, "h");
  take(60'000'000, "m");
  take(1'000'000, "s");
  take(1'000, "ms");
  take(1, "us");
  return out;
}

double to_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace berth
