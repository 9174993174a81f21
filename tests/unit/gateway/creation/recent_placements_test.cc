#include "gateway/creation/recent_placements.h"

#include <gtest/gtest.h>

namespace berth::gateway {
namespace {

using std::chrono::seconds;

const TimePoint kStart{std::chrono::hours(1)};

TEST(RecentPlacements, RemembersTheLatestWord) {
  RecentPlacements recent(10, seconds(60));
  recent.remember("p/s", {api::WorkerUid("a"), false}, kStart);
  recent.remember("p/s", {api::WorkerUid("a"), true}, kStart + seconds(1));
  ASSERT_NE(recent.find("p/s", kStart + seconds(2)), nullptr);
  EXPECT_TRUE(recent.find("p/s", kStart + seconds(2))->given_back);
  EXPECT_EQ(recent.find("p/t", kStart), nullptr);
}

TEST(RecentPlacements, ForgetsAfterItsAgeCountedFromTheLatestWord) {
  RecentPlacements recent(10, seconds(60));
  recent.remember("p/s", {api::WorkerUid("a"), false}, kStart);
  recent.remember("p/s", {api::WorkerUid("b"), false}, kStart + seconds(30));
  EXPECT_NE(recent.find("p/s", kStart + seconds(90)), nullptr);
  EXPECT_EQ(recent.find("p/s", kStart + seconds(91)), nullptr);
  EXPECT_EQ(recent.size(), 0U);
}

TEST(RecentPlacements, TheOldestGoesWhenThereAreTooMany) {
  RecentPlacements recent(2, seconds(60));
  for (const char* key : {"1", "2", "3"}) {
    recent.remember(key, {api::WorkerUid("a"), false}, kStart);
  }
  EXPECT_EQ(recent.find("1", kStart), nullptr);
  EXPECT_NE(recent.find("2", kStart), nullptr);
  EXPECT_EQ(recent.size(), 2U);
}

}  // namespace
}  // namespace berth::gateway
