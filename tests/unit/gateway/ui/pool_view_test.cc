#include "gateway/ui/pool_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace berth::gateway::ui {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kLookedAt{std::chrono::hours(1)};

class PoolViewTest : public ::testing::Test {
 protected:
  PoolViewTest() {
    info_.ns = "default";
    info_.name = "files";
    info_.max_workers = 5;
  }

  WorkerView& worker(const std::string& name, api::WorkerState state, std::int64_t capacity,
                     std::int64_t used) {
    WorkerView& view = workers_.emplace_back();
    view.pod.name = name;
    view.pod.ip = "10.0.0.1";
    view.pod.ready = true;
    view.readable = true;
    view.slots.emplace();
    view.slots->state = state;
    view.slots->incarnation = api::Incarnation("one");
    view.slots->capacity = {{api::kSlot, capacity}};
    view.slots->used = {{api::kSlot, used}};
    return view;
  }
  PoolView view() const {
    std::vector<const WorkerView*> all;
    for (const WorkerView& w : workers_) {
      all.push_back(&w);
    }
    return make_pool_view(info_, all, &line_, kLookedAt);
  }

  PoolInfo info_;
  std::deque<WorkerView> workers_;
  WaitingLine line_{{}, [](std::size_t) {}};
};

TEST_F(PoolViewTest, SlotsAreCountedByWhatCanBeDoneWithThem) {
  worker("w-0", api::WorkerState::kActive, 4, 3);
  worker("w-1", api::WorkerState::kCordoned, 4, 1);
  worker("w-2", api::WorkerState::kActive, 4, 2).readable = false;
  worker("w-3", api::WorkerState::kActive, 4, 0).pod.ready = false;
  worker("w-4", api::WorkerState::kActive, 4, 4).pod.deleting = true;
  const PoolView v = view();
  EXPECT_EQ(v.slots,
            (SlotCounts{.capacity = 20, .used = 10, .free = 1, .closed = 7, .unknown = 2}));
  EXPECT_EQ(v.states, (std::map<std::string, std::int64_t>{
                          {"Active", 2}, {"Cordoned", 1}, {"Terminating", 1}, {"Unreadable", 1}}));
}

TEST_F(PoolViewTest, AWorkerThatHasNotSpokenHasNoSlots) {
  worker("w-0", api::WorkerState::kActive, 4, 0).slots.reset();
  workers_.back().readable = false;
  EXPECT_EQ(view().workers.at("w-0").state, "Unreadable");
  workers_.back().pod.ready = false;
  EXPECT_EQ(view().workers.at("w-0").state, "Starting");
  EXPECT_EQ(view().slots, SlotCounts{});
}

TEST_F(PoolViewTest, RowsAndWaitingSessionsAreBoundedButCounted) {
  for (std::size_t i = 0; i <= kMaxRows; ++i) {
    worker("w-" + std::to_string(i), api::WorkerState::kActive, 2, 1);
  }
  for (std::uint64_t i = 0; i <= kMaxWaitingShown; ++i) {
    line_.join({i, api::SessionId("s-" + std::to_string(i)), {{api::kSlot, 1}}, kLookedAt, true});
  }
  const PoolView v = view();
  EXPECT_EQ(v.workers.size(), kMaxRows);
  EXPECT_EQ(v.workers_total, static_cast<std::int64_t>(kMaxRows) + 1);
  EXPECT_EQ(v.slots.capacity, 2 * v.workers_total) << "those without a row count too";
  EXPECT_EQ(v.waiting.size(), kMaxWaitingShown);
  EXPECT_EQ(v.waiting_total, static_cast<std::int64_t>(kMaxWaitingShown) + 1);
}

TEST_F(PoolViewTest, AnArrivalDoesNotMoveWithTime) {
  line_.join(
      {1, api::SessionId("s"), {{api::kSlot, 1}}, kLookedAt - std::chrono::seconds(7), true});
  const PoolView now = view();
  ASSERT_EQ(now.waiting.size(), 1U);
  EXPECT_EQ(now.waiting[0].since, millis(kLookedAt) - 7000);
  const PoolView later = make_pool_view(info_, {}, &line_, kLookedAt + std::chrono::seconds(1));
  EXPECT_EQ(later.waiting, now.waiting) << "else it would be a change at each look";
}

TEST_F(PoolViewTest, TypedResourcesAreShownBesideTheSlots) {
  WorkerView& w = worker("w-0", api::WorkerState::kActive, 4, 1);
  w.slots->capacity["gpu"] = 2;
  const Json rows = to_json(view())["workers"];
  EXPECT_EQ(rows["w-0"]["resources"], Json::parse(R"({"gpu": [0, 2]})"));
}

TEST_F(PoolViewTest, WhatTheOperatorSaidGoesWithIt) {
  info_.status.conditions = {{"ScalingLimited", true, "MaxWorkers", "5 is the most"}};
  info_.status.desired = 5;
  info_.fixed_workers = 3;
  const Json v = to_json(view());
  EXPECT_EQ(v["plan"], Json::parse(R"({"min": 0, "max": 5, "fixed": 3, "desired": 5})"));
  EXPECT_EQ(v["conditions"][0]["message"], "5 is the most");
}

TEST_F(PoolViewTest, TheDifferenceIsOnlyWhatDiffers) {
  worker("w-0", api::WorkerState::kActive, 4, 1);
  worker("w-1", api::WorkerState::kActive, 4, 1);
  const PoolView before = view();
  EXPECT_EQ(difference(before, view()), Json::object());
  workers_[1].slots->used[api::kSlot] = 2;
  const Json change = difference(before, view());
  EXPECT_EQ(change["workers"].size(), 1U);
  EXPECT_EQ(change["workers"]["w-1"]["used"], 2);
  EXPECT_EQ(change["slots"]["used"], 3);
  EXPECT_FALSE(change.contains("states"));
  EXPECT_FALSE(change.contains("name"));
}

TEST_F(PoolViewTest, AWorkerThatWentIsNullInTheDifference) {
  worker("w-0", api::WorkerState::kActive, 4, 1);
  const PoolView before = view();
  workers_.clear();
  const Json change = difference(before, view());
  EXPECT_TRUE(change["workers"].at("w-0").is_null());
}

TEST_F(PoolViewTest, ComingGoingAndChangesOfStateAreNews) {
  worker("w-0", api::WorkerState::kActive, 4, 1);
  worker("w-1", api::WorkerState::kActive, 4, 1);
  const PoolView before = view();
  EXPECT_THAT(news(before, view()), IsEmpty());
  workers_[0].slots->used[api::kSlot] = 2;
  EXPECT_THAT(news(before, view()), IsEmpty()) << "sessions are no news";
  workers_[0].readable = false;
  workers_[1].pod.name = "w-2";
  EXPECT_THAT(news(before, view()),
              ElementsAre(News{"w-0", "Active", "Unreadable", false},
                          News{"w-2", "", "Active", false}, News{"w-1", "Active", "", false}));
}

TEST_F(PoolViewTest, ANewProcessIsNewsButNoOtherRow) {
  worker("w-0", api::WorkerState::kActive, 4, 1);
  const PoolView before = view();
  workers_[0].slots->incarnation = api::Incarnation("two");
  EXPECT_THAT(news(before, view()), ElementsAre(News{"w-0", "Active", "Active", true}));
  EXPECT_EQ(difference(before, view()), Json::object());
}

}  // namespace
}  // namespace berth::gateway::ui
