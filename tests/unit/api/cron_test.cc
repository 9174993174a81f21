#include "berth/api/cron.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth::api {
namespace {

std::string cron_error(std::string_view text) {
  const auto cron = Cron::parse(text);
  return cron ? "" : cron.error().message;
}

template <std::size_t N>
std::vector<std::size_t> members(const std::bitset<N>& set) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < N; ++i) {
    if (set[i]) {
      out.push_back(i);
    }
  }
  return out;
}
using List = std::vector<std::size_t>;

TEST(Cron, ReadsValuesListsRangesAndSteps) {
  const auto c = Cron::parse("5,50 8-10 1-31/10 */4 *");
  ASSERT_TRUE(c);
  EXPECT_EQ(members(c->minutes), (List{5, 50}));
  EXPECT_EQ(members(c->hours), (List{8, 9, 10}));
  EXPECT_EQ(members(c->days), (List{1, 11, 21, 31}));
  EXPECT_EQ(members(c->months), (List{1, 5, 9}));
  EXPECT_EQ(c->week_days.count(), 7U);
}

TEST(Cron, AStepAfterOneValueRunsToTheFieldsEnd) {
  EXPECT_EQ(members(Cron::parse("5/20 * * * *")->minutes), (List{5, 25, 45}));
}

TEST(Cron, ReadsNamesInAnyCase) {
  const auto c = Cron::parse("0 0 * jan,Dec mon-FRI");
  ASSERT_TRUE(c);
  EXPECT_EQ(members(c->months), (List{1, 12}));
  EXPECT_EQ(members(c->week_days), (List{1, 2, 3, 4, 5}));
}

TEST(Cron, SundayIsZeroAndSevenAndMayEndARange) {
  EXPECT_EQ(members(Cron::parse("0 0 * * 7")->week_days), (List{0}));
  EXPECT_EQ(members(Cron::parse("0 0 * * 0")->week_days), (List{0}));
  EXPECT_EQ(members(Cron::parse("0 0 * * FRI-SUN")->week_days), (List{0, 5, 6}));
  EXPECT_EQ(members(Cron::parse("0 0 * * 5-7")->week_days), (List{0, 5, 6}));
}

TEST(Cron, TwoRestrictedDayFieldsNameADayThatFitsEither) {
  const auto c = Cron::parse("0 0 13 * FRI");
  EXPECT_TRUE(c->names_day(1, 13, 2));
  EXPECT_TRUE(c->names_day(1, 2, 5));
  EXPECT_FALSE(c->names_day(1, 2, 2));
}

TEST(Cron, ADayFieldThatBeginsWithAStarMustFitToo) {
  const auto c = Cron::parse("0 0 */2 * FRI");
  EXPECT_TRUE(c->names_day(1, 3, 5));
  EXPECT_FALSE(c->names_day(1, 4, 5));
  EXPECT_FALSE(c->names_day(1, 3, 4));
}

TEST(Cron, MonthsThatAreNotNamedHaveNoDays) {
  const auto c = Cron::parse("0 0 1 6 *");
  EXPECT_TRUE(c->names_day(6, 1, 0));
  EXPECT_FALSE(c->names_day(7, 1, 0));
}

TEST(Cron, SaysWhichFieldIsWrongAndHow) {
  EXPECT_EQ(cron_error("* * * *"),
            "must have five fields (minute, hour, day of month, month, day of week), has 4");
  EXPECT_EQ(cron_error("@daily"),
            "must have five fields (minute, hour, day of month, month, day of week), has 1");
  EXPECT_EQ(cron_error("60 * * * *"), "minute: '60' is not between 0 and 59");
  EXPECT_EQ(cron_error("* 24 * * *"), "hour: '24' is not between 0 and 23");
  EXPECT_EQ(cron_error("* * 0 * *"), "day of month: '0' is not between 1 and 31");
  EXPECT_EQ(cron_error("* * * JANUARY *"), "month: 'JANUARY' is not between 1 and 12");
  EXPECT_EQ(cron_error("* * * * 8"), "day of week: '8' is not between 0 and 7");
  EXPECT_EQ(cron_error("* 9-8 * * *"), "hour: '9-8' goes backwards");
  EXPECT_EQ(cron_error("*/0 * * * *"), "minute: '*/0' has a step that is not between 1 and 59");
  EXPECT_EQ(cron_error("1,,2 * * * *"), "minute: '' is not a value, a range or a step like */15");
  EXPECT_EQ(cron_error("1-2-3 * * * *"), "minute: '1-2-3' is not a range like 1-5");
  EXPECT_EQ(cron_error("-5 * * * *"), "minute: '' is not between 0 and 59");
  EXPECT_EQ(cron_error("? * * * *"), "minute: '?' is not between 0 and 59");
  EXPECT_EQ(cron_error(std::string(300, '*')), "must be at most 256 bytes");
}

TEST(Cron, RefusesADateThatNeverComes) {
  EXPECT_EQ(cron_error("0 0 30 2 *"), "names a date that never comes");
  EXPECT_EQ(cron_error("0 0 31 4,6,9,11 *"), "names a date that never comes");
  EXPECT_EQ(cron_error("0 0 29 2 *"), "");
  EXPECT_EQ(cron_error("0 0 30 2 MON"), "") << "its Mondays come";
}

}  // namespace
}  // namespace berth::api
