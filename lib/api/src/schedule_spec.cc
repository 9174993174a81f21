#include <algorithm>

#include "lib/api/src/fields.h"
#include "lib/api/src/scaling_spec.h"

namespace berth::api {
namespace {

constexpr std::size_t kMostSchedules = 50;
constexpr std::size_t kMaxScheduleName = 63;
constexpr std::size_t kMaxZoneBytes = 64;
constexpr Duration kLongestWindow = std::chrono::hours(31 * 24);

// Only the form: whether the zone exists is known where the time zone database is.
bool is_zone_name(std::string_view text) {
  return !text.empty() && text.front() != '/' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '_' || c == '/' || c == '+' || c == '-';
         });
}

Result<ScheduleSpec> parse_schedule(const Json& object, const std::string& path,
                                    std::int64_t max_workers) {
  ScheduleSpec s;
  FieldReader r(object, path);
  r.required("name", s.name);
  if (!is_activity_name(s.name)) {
    r.error("name", "must be 1 to " + std::to_string(kMaxScheduleName) +
                        " letters, digits, '_', '.' or '-'");
  }
  std::string cron;
  r.required("cron", cron);
  if (Result<Cron> parsed = Cron::parse(cron)) {
    s.cron = *parsed;
  } else {
    r.error("cron", parsed.error().message);
  }
  bounded(r, "timeZone", s.time_zone, kMaxZoneBytes);
  if (!is_zone_name(s.time_zone)) {
    r.error("timeZone", "must be the name of a time zone like Europe/Berlin");
  }
  required_duration(r, "duration", s.duration, std::chrono::minutes(1), kLongestWindow);
  r.required("minWorkers", s.min_workers, 0, max_workers);
  BERTH_TRY(r.finish());
  return s;
}

}  // namespace

Result<std::vector<ScheduleSpec>> parse_schedules(const Json& array, const std::string& path,
                                                  std::int64_t max_workers) {
  if (array.size() > kMostSchedules) {
    return fail(
        Error::invalid(path, "must have at most " + std::to_string(kMostSchedules) + " elements"));
  }
  std::vector<ScheduleSpec> out;
  for (const Json& element : array) {
    const std::string at = path + "[" + std::to_string(out.size()) + "]";
    BERTH_ASSIGN(ScheduleSpec schedule, parse_schedule(element, at, max_workers));
    for (const ScheduleSpec& other : out) {
      if (other.name == schedule.name) {
        return fail(Error::invalid(at + ".name", "is the name of an earlier schedule"));
      }
    }
    out.push_back(std::move(schedule));
  }
  return out;
}

}  // namespace berth::api
