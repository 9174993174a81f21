#include "temporal/creation/backlog.h"

#include <gtest/gtest.h>

namespace berth::temporal {
namespace {

using std::chrono::seconds;

class BacklogTest : public testing::Test {
 protected:
  TimePoint at(int s) const { return TimePoint(std::chrono::hours(1)) + seconds(s); }
  Backlog backlog;
};

TEST_F(BacklogTest, WhatWasTakenIsNotCountedAgainWhileTheServerRepeatsItself) {
  backlog.counted(20, at(0));
  for (int i = 0; i < 8; ++i) {
    backlog.taken();
  }
  backlog.counted(20, at(1));
  backlog.counted(20, at(4));
  EXPECT_EQ(backlog.waiting(), 12);
}

TEST_F(BacklogTest, AnotherNumberIsNews) {
  backlog.counted(20, at(0));
  backlog.taken();
  backlog.counted(23, at(2));
  EXPECT_EQ(backlog.waiting(), 23);
}

TEST_F(BacklogTest, TheSameNumberIsNewsOnceTheServersCacheIsOld) {
  backlog.counted(3, at(0));
  backlog.taken();
  backlog.counted(3, at(5));
  EXPECT_EQ(backlog.waiting(), 3);
}

TEST_F(BacklogTest, NeverBelowZero) {
  backlog.taken();
  EXPECT_EQ(backlog.waiting(), 0);
}

TEST_F(BacklogTest, WhatWasHandedBackIsExpectedAlthoughNobodyCountsIt) {
  backlog.counted(0, at(0));
  backlog.handed_back(at(0));
  backlog.handed_back(at(2));
  backlog.counted(0, at(5));
  EXPECT_EQ(backlog.waiting(), 2);
  backlog.taken();
  EXPECT_EQ(backlog.waiting(), 1);
  backlog.counted(0, at(12));
  EXPECT_EQ(backlog.waiting(), 0);
}

TEST_F(BacklogTest, WhatWasHandedBackIsNotCountedTwice) {
  backlog.handed_back(at(0));
  backlog.counted(3, at(1));
  EXPECT_EQ(backlog.waiting(), 3);
}

TEST_F(BacklogTest, WhoDoesNotComeIsNotBelievedForAMinute) {
  backlog.counted(2, at(0));
  backlog.nobody_came(at(10));
  EXPECT_EQ(backlog.waiting(), 0);
  backlog.counted(2, at(20));
  EXPECT_EQ(backlog.waiting(), 0);
  backlog.counted(3, at(30));  // One more has come.
  EXPECT_EQ(backlog.waiting(), 1);
  backlog.counted(2, at(71));
  EXPECT_EQ(backlog.waiting(), 2);
}

TEST_F(BacklogTest, DoubtsShrinkWithTheCount) {
  backlog.counted(5, at(0));
  backlog.nobody_came(at(10));
  backlog.counted(0, at(20));
  backlog.counted(2, at(21));
  EXPECT_EQ(backlog.waiting(), 2);
}

}  // namespace
}  // namespace berth::temporal
