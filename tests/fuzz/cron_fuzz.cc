// Cron expressions as people write them. What is accepted names at least one minute, one hour and a
// day of some year.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "berth/api/cron.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cron = berth::api::Cron::parse(text);
  if (!cron) {
    return 0;
  }
  bool named = false;
  for (unsigned month = 1; month <= 12; ++month) {
    for (unsigned day = 1; day <= 31; ++day) {
      for (unsigned week_day = 0; week_day < 7; ++week_day) {
        named |= cron->names_day(month, day, week_day);
      }
    }
  }
  if (!named || cron->minutes.none() || cron->hours.none()) {
    std::abort();
  }
  return 0;
}
