#include "gateway/ui/chronicle.h"

#include <gtest/gtest.h>

namespace berth::gateway::ui {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1)};

PoolView scaled(const std::string& time, std::int64_t to) {
  PoolView view;
  view.info.status.last_scale = {time, 0, to, "because"};
  return view;
}

TEST(Chronicle, TheFirstLookIsNoNews) {
  PoolView first = scaled("t1", 2);
  first.workers["w-0"].state = "Active";
  const Json whole = Chronicle(first).to_json();
  EXPECT_TRUE(whole["news"].empty());
  EXPECT_EQ(whole["decisions"].size(), 1U) << "the last decision is known from the pool's status";
}

TEST(Chronicle, ADecisionIsNotedOnce) {
  Chronicle chronicle(scaled("t1", 2));
  EXPECT_EQ(chronicle.note(scaled("t1", 2), scaled("t1", 2), kNow), Json::object());
  const Json note = chronicle.note(scaled("t1", 2), scaled("t2", 3), kNow);
  ASSERT_EQ(note["decisions"].size(), 1U);
  EXPECT_EQ(note["decisions"][0]["to"], 3);
  EXPECT_EQ(note["decisions"][0]["reason"], "because");
}

TEST(Chronicle, EverythingIsBoundedAndTheOldestGoes) {
  Chronicle chronicle{PoolView()};
  PoolView before;
  for (int i = 0; i < 200; ++i) {
    PoolView after = scaled("t" + std::to_string(i), i);
    after.workers["w-" + std::to_string(i)].state = "Active";
    chronicle.note(before, after, kNow + std::chrono::seconds(i));
    chronicle.add({i, 400, 0});
    before = after;
  }
  const Json whole = chronicle.to_json();
  EXPECT_EQ(whole["news"].size(), Chronicle::kMaxNews);
  EXPECT_EQ(whole["decisions"].size(), Chronicle::kMaxDecisions);
  EXPECT_EQ(whole["samples"].size(), Chronicle::kMaxSamples);
  EXPECT_EQ(whole["samples"].back(), Json::parse("[199, 400, 0]"));
  EXPECT_EQ(whole["decisions"].back()["to"], 199);
  EXPECT_EQ(whole["news"].back()["at"], millis(kNow) + 199'000);
}

}  // namespace
}  // namespace berth::gateway::ui
