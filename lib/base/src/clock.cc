#include "berth/base/clock.h"

#include <cstdint>
#include <ctime>

namespace berth {
namespace {

Duration read_clock(clockid_t id) {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

void put_digits(std::string& text, std::size_t at, std::size_t digits, std::int64_t value) {
  for (std::size_t i = at + digits; i-- > at; value /= 10) {
    text[i] = static_cast<char>('0' + value % 10);
  }
}

// Nanoseconds in 64 bits end in the year 2262, so the year has four digits.
std::string format(WallTime t, std::string_view pattern, Duration unit) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> time(t - day);
  std::string out(pattern);
  put_digits(out, 0, 4, static_cast<int>(date.year()));
  put_digits(out, 5, 2, static_cast<unsigned>(date.month()));
  put_digits(out, 8, 2, static_cast<unsigned>(date.day()));
  put_digits(out, 11, 2, time.hours().count());
  put_digits(out, 14, 2, time.minutes().count());
  put_digits(out, 17, 2, time.seconds().count());
  put_digits(out, 20, pattern.size() - 21, time.subseconds() / unit);
  return out;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool number(int digits, int min, int max, int& out) {
    if (text_.size() < static_cast<std::size_t>(digits)) {
      return false;
    }
    out = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = text_[static_cast<std::size_t>(i)];
      if (c < '0' || c > '9') {
        return false;
      }
      out = out * 10 + (c - '0');
    }
    text_.remove_prefix(static_cast<std::size_t>(digits));
    return out >= min && out <= max;
  }
  bool any_of(std::string_view set, char& out) {
    if (text_.empty() || set.find(text_[0]) == std::string_view::npos) {
      return false;
    }
    out = text_[0];
    text_.remove_prefix(1);
    return true;
  }
  bool empty() const { return text_.empty(); }

 private:
  std::string_view text_;
};

}  // namespace

TimePoint SystemClock::now() const {
  return TimePoint(read_clock(CLOCK_BOOTTIME));
}
WallTime SystemClock::wall_now() const {
  return WallTime(read_clock(CLOCK_REALTIME));
}

std::string format_rfc3339(WallTime t) {
  return format(t, "0000-00-00T00:00:00.000Z", std::chrono::milliseconds(1));
}
std::string format_rfc3339_micro(WallTime t) {
  return format(t, "0000-00-00T00:00:00.000000Z", std::chrono::microseconds(1));
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  const auto bad = [&] {
    return fail(Error::invalid("", "'" + std::string(text.substr(0, 64)) +
                                       "' is no RFC 3339 time such as 2026-11-22T18:34:11Z"));
  };
  Scanner s(text);
  std::tm tm{};
  int year = 0;
  int month = 0;
  char c = 0;
  if (!s.number(4, 1970, 2200, year) || !s.any_of("-", c) || !s.number(2, 1, 12, month) ||
      !s.any_of("-", c) || !s.number(2, 1, 31, tm.tm_mday) || !s.any_of("Tt ", c) ||
      !s.number(2, 0, 23, tm.tm_hour) || !s.any_of(":", c) || !s.number(2, 0, 59, tm.tm_min) ||
      !s.any_of(":", c) || !s.number(2, 0, 60, tm.tm_sec)) {
    return bad();
  }
  std::int64_t nanos = 0;
  if (s.any_of(".", c)) {
    std::int64_t scale = 100'000'000;
    int digits = 0;
    while (s.any_of("0123456789", c)) {
      nanos += (c - '0') * scale;
      scale /= 10;
      ++digits;
    }
    if (digits == 0) {
      return bad();
    }
  }
  int offset_minutes = 0;
  if (!s.any_of("Zz", c)) {
    int oh = 0;
    int om = 0;
    if (!s.any_of("+-", c)) {
      return bad();
    }
    const int sign = c == '-' ? -1 : 1;
    if (!s.number(2, 0, 23, oh) || !s.any_of(":", c) || !s.number(2, 0, 59, om)) {
      return bad();
    }
    offset_minutes = sign * (oh * 60 + om);
  }
  if (!s.empty()) {
    return bad();
  }
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  const std::time_t seconds = ::timegm(&tm);
  return WallTime(std::chrono::seconds(seconds) - std::chrono::minutes(offset_minutes) +
                  std::chrono::nanoseconds(nanos));
}

}  // namespace berth
