#include "berth/base/clock.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Sooner, IsTheEarlierOfThoseThatAreThere) {
  const TimePoint early(Duration(1));
  const TimePoint late(Duration(2));
  EXPECT_EQ(sooner<TimePoint>(early, late), early);
  EXPECT_EQ(sooner<TimePoint>(late, early), early);
  EXPECT_EQ(sooner<TimePoint>(late, std::nullopt), late);
  EXPECT_EQ(sooner<TimePoint>(std::nullopt, late), late);
  EXPECT_EQ(sooner<TimePoint>(std::nullopt, std::nullopt), std::nullopt);
}

TEST(Rfc3339, PrintsMillisecondsInUtc) {
  EXPECT_EQ(format_rfc3339(WallTime(std::chrono::milliseconds(1'790'000'000'250))),
            "2026-09-21T14:13:20.250Z");
}

TEST(Rfc3339, PrintsLeadingZerosAndTimesBefore1970) {
  EXPECT_EQ(format_rfc3339(WallTime()), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339_micro(WallTime(std::chrono::microseconds(1'000'007))),
            "1970-01-01T00:00:01.000007Z");
  EXPECT_EQ(format_rfc3339(WallTime(std::chrono::milliseconds(-1))), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(WallTime(std::chrono::seconds(951'782'400))),
            "2000-02-29T00:00:00.000Z");
}

TEST(Rfc3339, ReadsBackWhatItPrinted) {
  const WallTime t(std::chrono::microseconds(1'790'000'000'250'123));
  EXPECT_EQ(parse_rfc3339(format_rfc3339_micro(t)).value(), t);
}

TEST(Rfc3339, AcceptsOffsetsAndAnyFraction) {
  EXPECT_EQ(parse_rfc3339("2026-09-21T16:13:20.5+02:00").value(),
            WallTime(std::chrono::milliseconds(1'790'000'000'500)));
  EXPECT_EQ(parse_rfc3339("2026-09-21T14:13:20Z").value(),
            WallTime(std::chrono::seconds(1'790'000'000)));
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "now", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx", "2026-01-01T25:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(SystemClock, BootTimeDoesNotRunBackwards) {
  const SystemClock clock;
  const TimePoint a = clock.now();
  EXPECT_LE(a, clock.now());
}

}  // namespace
}  // namespace berth
