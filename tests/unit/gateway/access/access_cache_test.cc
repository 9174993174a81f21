#include "gateway/access/access_cache.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class AccessCacheTest : public ::testing::Test {
 protected:
  void move(Duration by) { clock_.set(clock_.now() + by); }
  static AccessVerdict refusal() {
    return fail(Error::make(ErrorCode::kPermissionDenied, "AccessDenied", "no"));
  }

  fakes::ManualClock clock_;
  AccessCache cache_{clock_, {.max_entries = 2}};
};

TEST_F(AccessCacheTest, APositiveVerdictHoldsForAMinute) {
  cache_.store("k", Identity{"ann"}, std::nullopt);
  move(seconds(60) - milliseconds(1));
  ASSERT_NE(cache_.fresh("k"), nullptr);
  EXPECT_EQ((*cache_.fresh("k"))->owner, "ann");
  move(milliseconds(1));
  EXPECT_EQ(cache_.fresh("k"), nullptr);
}

TEST_F(AccessCacheTest, ARefusalHoldsForTenSeconds) {
  cache_.store("k", refusal(), std::nullopt);
  move(seconds(10) - milliseconds(1));
  ASSERT_NE(cache_.fresh("k"), nullptr);
  EXPECT_FALSE(cache_.fresh("k")->has_value());
  move(milliseconds(1));
  EXPECT_EQ(cache_.fresh("k"), nullptr);
}

TEST_F(AccessCacheTest, AnOldVerdictMayStandInForTenMinutes) {
  cache_.store("k", Identity{"ann"}, std::nullopt);
  move(minutes(10) - milliseconds(1));
  ASSERT_NE(cache_.stale("k"), nullptr);
  move(milliseconds(1));
  EXPECT_EQ(cache_.stale("k"), nullptr);
}

TEST_F(AccessCacheTest, NothingPositiveIsToldAfterTheTokensEnd) {
  cache_.store("k", Identity{"ann"}, clock_.wall_now() + seconds(30));
  move(seconds(30) - milliseconds(1));
  EXPECT_NE(cache_.fresh("k"), nullptr);
  move(milliseconds(1));
  EXPECT_EQ(cache_.fresh("k"), nullptr);
  EXPECT_EQ(cache_.stale("k"), nullptr);
}

TEST_F(AccessCacheTest, ARefusalNeverStandsIn) {
  cache_.store("k", refusal(), std::nullopt);
  EXPECT_EQ(cache_.stale("k"), nullptr);
}

TEST_F(AccessCacheTest, ARefusalEndsAnEarlierYes) {
  cache_.store("k", Identity{"ann"}, std::nullopt);
  cache_.store("k", refusal(), std::nullopt);
  EXPECT_FALSE(cache_.fresh("k")->has_value());
  EXPECT_EQ(cache_.stale("k"), nullptr);
  cache_.store("k", Identity{"ann"}, std::nullopt);
  EXPECT_TRUE(cache_.fresh("k")->has_value());
  EXPECT_EQ(cache_.size(), 1U);
}

TEST_F(AccessCacheTest, WhoWasAskedForLongestAgoGoesFirst) {
  cache_.store("a", Identity{"ann"}, std::nullopt);
  cache_.store("b", Identity{"bob"}, std::nullopt);
  EXPECT_NE(cache_.fresh("a"), nullptr);
  cache_.store("c", Identity{"cy"}, std::nullopt);
  EXPECT_NE(cache_.fresh("a"), nullptr);
  EXPECT_EQ(cache_.fresh("b"), nullptr);
  EXPECT_EQ(cache_.size(), 2U);
}

TEST_F(AccessCacheTest, StrangersPushNobodyOutWhoIsLetIn) {
  cache_.store("a", Identity{"ann"}, std::nullopt);
  for (int i = 0; i < 100; ++i) {
    cache_.store("stranger " + std::to_string(i), refusal(), std::nullopt);
  }
  EXPECT_NE(cache_.fresh("a"), nullptr);
  EXPECT_EQ(cache_.size(), 3U);
}

}  // namespace
}  // namespace berth::gateway
