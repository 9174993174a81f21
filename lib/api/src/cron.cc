#include "berth/api/cron.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace berth::api {
namespace {

constexpr std::size_t kMaxExpression = 256;
constexpr std::array<unsigned, 13> kLongest{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekDays{"SUN", "MON", "TUE", "WED",
                                                    "THU", "FRI", "SAT"};

struct Field {
  std::string_view name;
  unsigned min;
  unsigned max;
};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59},
                                        {"hour", 0, 23},
                                        {"day of month", 1, 31},
                                        {"month", 1, 12},
                                        {"day of week", 0, 7}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

Error wrong(const Field& field, std::string_view what, std::string_view why) {
  return Error::invalid(
      "", std::string(field.name) + ": '" + std::string(what) + "' " + std::string(why));
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

template <std::size_t N>
std::optional<unsigned> named(const std::array<std::string_view, N>& names, std::string_view text) {
  for (unsigned i = 0; i < N; ++i) {
    if (text.size() == names[i].size() &&
        std::equal(text.begin(), text.end(), names[i].begin(), [](char a, char b) {
          return std::toupper(static_cast<unsigned char>(a)) == b;
        })) {
      return i;
    }
  }
  return std::nullopt;
}

Result<unsigned> value_of(const Field& field, std::string_view text) {
  std::optional<unsigned> value = number(text);
  if (!value && field.max == 12) {
    value = named(kMonths, text);
    value = value ? std::optional(*value + 1) : value;
  } else if (!value && field.max == 7) {
    value = named(kWeekDays, text);
  }
  if (!value || *value < field.min || *value > field.max) {
    return fail(
        wrong(field, text,
              "is not between " + std::to_string(field.min) + " and " + std::to_string(field.max)));
  }
  return *value;
}

struct Range {
  unsigned first;
  unsigned last;
};

Result<Range> range_of(const Field& field, std::string_view text, bool stepped) {
  if (text == "*") {
    return Range{field.min, field.max == 7 ? 6 : field.max};
  }
  const auto ends = split(text, "-");
  if (ends.size() > 2) {
    return fail(wrong(field, text, "is not a range like 1-5"));
  }
  BERTH_ASSIGN(const unsigned first, value_of(field, ends[0]));
  if (ends.size() == 1) {
    return Range{first, stepped ? field.max : first};
  }
  BERTH_ASSIGN(unsigned last, value_of(field, ends[1]));
  if (field.max == 7 && last == 0) {
    last = 7;  // "FRI-SUN".
  }
  if (last < first) {
    return fail(wrong(field, text, "goes backwards"));
  }
  return Range{first, last};
}

template <std::size_t N>
Status read_field(const Field& field, std::string_view text, std::bitset<N>& out) {
  for (const std::string_view item : split(text, ",")) {
    const auto parts = split(item, "/");
    if (item.empty() || parts.size() > 2) {
      return fail(wrong(field, item, "is not a value, a range or a step like */15"));
    }
    BERTH_ASSIGN(const Range range, range_of(field, parts[0], parts.size() == 2));
    unsigned step = 1;
    if (parts.size() == 2) {
      const auto given = number(parts[1]);
      if (!given || *given == 0 || *given > field.max) {
        return fail(wrong(field, item,
                          "has a step that is not between 1 and " + std::to_string(field.max)));
      }
      step = *given;
    }
    for (unsigned v = range.first; v <= range.last; v += step) {
      out.set(field.max == 7 ? v % 7 : v);
    }
  }
  return {};
}

bool ever_comes(const Cron& c) {
  if (!c.any_week_day && !c.any_day) {
    return true;  // Its week day comes.
  }
  for (unsigned month = 1; month <= 12; ++month) {
    for (unsigned day = 1; c.months[month] && day <= kLongest[month]; ++day) {
      if (c.days[day]) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  if (text.size() > kMaxExpression) {
    return fail(Error::invalid("", "must be at most " + std::to_string(kMaxExpression) + " bytes"));
  }
  std::vector<std::string_view> fields = split(text, " \t");
  std::erase(fields, std::string_view());
  if (fields.size() != kFields.size()) {
    return fail(Error::invalid("",
                               "must have five fields (minute, hour, day of month, month, day of "
                               "week), has " +
                                   std::to_string(fields.size())));
  }
  Cron c;
  BERTH_TRY(read_field(kFields[0], fields[0], c.minutes));
  BERTH_TRY(read_field(kFields[1], fields[1], c.hours));
  BERTH_TRY(read_field(kFields[2], fields[2], c.days));
  BERTH_TRY(read_field(kFields[3], fields[3], c.months));
  BERTH_TRY(read_field(kFields[4], fields[4], c.week_days));
  c.any_day = fields[2].front() == '*';
  c.any_week_day = fields[4].front() == '*';
  if (!ever_comes(c)) {
    return fail(Error::invalid("", "names a date that never comes"));
  }
  return c;
}

bool Cron::names_day(unsigned month, unsigned day, unsigned week_day) const {
  if (!months[month]) {
    return false;
  }
  if (!any_day && !any_week_day) {
    return days[day] || week_days[week_day];
  }
  return days[day] && week_days[week_day];
}

}  // namespace berth::api
