#include "operator/scaling/schedule.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

WallTime at(const std::string& text) {
  return *parse_rfc3339(text);
}

ScheduleBook book(const std::string& cron, const std::string& zone, Duration duration,
                  std::int64_t min_workers = 3) {
  auto made = ScheduleBook::make({{"s", *api::Cron::parse(cron), zone, duration, min_workers}});
  EXPECT_TRUE(made) << made.error().text();
  return std::move(*made);
}

std::int64_t minimum(const ScheduleBook& b, const std::string& time) {
  return b.at(at(time)).min_workers;
}

/// When the schedule next changes, as text.
std::string change(const ScheduleBook& b, const std::string& time) {
  return format_rfc3339(*b.at(at(time)).until);
}

TEST(Schedule, IsActiveFromItsMomentForItsDuration) {
  const auto b = book("0 8 * * *", "UTC", 2h);
  EXPECT_EQ(minimum(b, "2026-03-02T07:59:59Z"), 0);
  EXPECT_EQ(minimum(b, "2026-03-02T08:00:00Z"), 3);
  EXPECT_EQ(minimum(b, "2026-03-02T09:59:59Z"), 3);
  EXPECT_EQ(minimum(b, "2026-03-02T10:00:00Z"), 0);
}

TEST(Schedule, SaysWhenItChanges) {
  const auto b = book("0 8 * * *", "UTC", 2h);
  EXPECT_EQ(change(b, "2026-03-02T07:00:00Z"), "2026-03-02T08:00:00.000Z");
  EXPECT_EQ(change(b, "2026-03-02T09:00:00Z"), "2026-03-02T10:00:00.000Z");
  EXPECT_EQ(change(b, "2026-03-02T10:00:00Z"), "2026-03-03T08:00:00.000Z");
}

TEST(Schedule, ReadsTheClockOfItsTimeZone) {
  const auto b = book("0 8 * * MON-FRI", "Europe/Berlin", 1h);
  EXPECT_EQ(minimum(b, "2026-01-05T07:30:00Z"), 3) << "winter: UTC+1";
  EXPECT_EQ(minimum(b, "2026-07-06T06:30:00Z"), 3) << "summer: UTC+2";
  EXPECT_EQ(minimum(b, "2026-07-06T07:30:00Z"), 0);
  EXPECT_EQ(minimum(b, "2026-07-05T06:30:00Z"), 0) << "a Sunday";
}

// Berlin, 29 March 2026: 02:00 becomes 03:00 (01:00 UTC).
TEST(Schedule, AMomentThatAClockChangeSkipsIsTheMomentOfTheChange) {
  const auto b = book("30 2 * * *", "Europe/Berlin", 1h);
  EXPECT_EQ(change(b, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(minimum(b, "2026-03-29T01:00:00Z"), 3);
  EXPECT_EQ(minimum(b, "2026-03-29T02:00:00Z"), 0);
  EXPECT_EQ(change(b, "2026-03-29T02:00:00Z"), "2026-03-30T00:30:00.000Z");
}

// Berlin, 25 October 2026: 03:00 becomes 02:00 (01:00 UTC), so 02:30 comes twice.
TEST(Schedule, AMomentThatComesTwiceCountsTheFirstTime) {
  const auto b = book("30 2 * * *", "Europe/Berlin", 30min);
  EXPECT_EQ(change(b, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00.000Z");
  EXPECT_EQ(minimum(b, "2026-10-25T00:45:00Z"), 3);
  EXPECT_EQ(minimum(b, "2026-10-25T01:45:00Z"), 0);
  EXPECT_EQ(change(b, "2026-10-25T01:00:00Z"), "2026-10-26T01:30:00.000Z");
}

TEST(Schedule, EveryHourMeansTheHourThatComesTwiceToo) {
  const auto b = book("0 * * * *", "Europe/Berlin", 10min);
  EXPECT_EQ(minimum(b, "2026-10-25T00:05:00Z"), 3);
  EXPECT_EQ(minimum(b, "2026-10-25T01:05:00Z"), 3);
  EXPECT_EQ(minimum(b, "2026-10-25T01:15:00Z"), 0);
}

TEST(Schedule, ADurationIsElapsedTimeAlsoOverAClockChange) {
  const auto b = book("0 1 * * *", "Europe/Berlin", 4h);
  EXPECT_EQ(change(b, "2026-03-29T00:30:00Z"), "2026-03-29T04:00:00.000Z");
}

// Havana changes at midnight: on 1 November 2026, 01:00 becomes 00:00 again.
TEST(Schedule, AClockChangeAtMidnightIsNoTrouble) {
  const auto b = book("30 23 * * *", "America/Havana", 2h);
  EXPECT_EQ(change(b, "2026-11-01T03:00:00Z"), "2026-11-01T03:30:00.000Z");
  EXPECT_EQ(minimum(b, "2026-11-01T05:00:00Z"), 3);
  EXPECT_EQ(change(b, "2026-11-01T06:00:00Z"), "2026-11-02T04:30:00.000Z");
}

TEST(Schedule, FindsARareDay) {
  const auto b = book("0 0 29 2 *", "UTC", 1h);
  EXPECT_EQ(change(b, "2026-03-01T00:00:00Z"), "2028-02-29T00:00:00.000Z");
  EXPECT_EQ(change(b, "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00.000Z");
}

TEST(Schedule, WindowsThatOverlapHaveNoGap) {
  const auto b = book("*/10 * * * *", "UTC", 15min);
  for (int minute = 0; minute < 60; ++minute) {
    EXPECT_EQ(b.at(at("2026-03-02T07:00:00Z") + std::chrono::minutes(minute)).min_workers, 3);
  }
}

TEST(Schedule, TheHighestActiveOneDecides) {
  const auto made = ScheduleBook::make({{"low", *api::Cron::parse("0 8 * * *"), "UTC", 4h, 2},
                                        {"high", *api::Cron::parse("0 9 * * *"), "UTC", 1h, 5}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->at(at("2026-03-02T08:30:00Z")).name, "low");
  EXPECT_EQ(made->at(at("2026-03-02T09:30:00Z")).name, "high");
  EXPECT_EQ(made->at(at("2026-03-02T10:30:00Z")).min_workers, 2);
  EXPECT_EQ(change(*made, "2026-03-02T09:30:00Z"), "2026-03-02T10:00:00.000Z");
}

TEST(Schedule, AnUnknownTimeZoneIsNamed) {
  const auto made =
      ScheduleBook::make({{"s", *api::Cron::parse("0 8 * * *"), "Europe/Bielefeld", 1h, 1}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().text(),
            "InvalidArgument: spec.scaling.schedules[0].timeZone: 'Europe/Bielefeld' is not in the "
            "time zone database");
}

TEST(ScheduleCache, AsksTheBookAgainAtItsBoundary) {
  fakes::ManualLoop loop;
  ScheduleCache cache;
  EXPECT_FALSE(cache.minimum(nullptr, loop.clock()).until);
  const auto every_ten = std::make_shared<const ScheduleBook>(book("*/10 * * * *", "UTC", 1min));
  const TimePoint first = *cache.minimum(every_ten, loop.clock()).until;
  EXPECT_GT(first, loop.clock().now());
  EXPECT_LE(first, loop.clock().now() + 10min);
  loop.advance(first - loop.clock().now());
  EXPECT_GT(*cache.minimum(every_ten, loop.clock()).until, first);
  EXPECT_EQ(cache.minimum(nullptr, loop.clock()).min_workers, 0);
}

TEST(ScheduleCache, NoticesAClockThatWasSetWithinAnHour) {
  fakes::ManualLoop loop;
  ScheduleCache cache;
  const auto yearly = std::make_shared<const ScheduleBook>(book("0 0 1 1 *", "UTC", 1min));
  EXPECT_EQ(*cache.minimum(yearly, loop.clock()).until, loop.clock().now() + 1h);
}

}  // namespace
}  // namespace berth::op
