#include "operator/plan/plan.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

TEST(Plan, NamesAreThePoolsAndTheSmallestFreeNumbers) {
  PoolBuilder b;
  b.add(4);
  b.o.workers[0].name = "files-1";
  b.o.history.taken_names = {"files-2"};
  b.wait(8);
  const Plan p = b.plan();
  ASSERT_EQ(PoolBuilder::count(p, Kind::kCreate), 3);
  EXPECT_EQ(p.actions[0].worker, "files-0");
  EXPECT_EQ(p.actions[1].worker, "files-3");
  EXPECT_EQ(p.actions[2].worker, "files-4");
}

TEST(Plan, TheNameOfAWorkerThatHadToLeaveItsNodeRests) {
  PoolBuilder b;
  b.add(0).leaving = "node n is cordoned";
  const std::string name = b.o.workers[0].name;
  (void)b.plan();
  b.o.workers.clear();
  b.wait(1);
  const auto created = [&b] {
    const Plan p = b.plan();
    return PoolBuilder::count(p, Kind::kCreate) == 1 ? p.actions[0].worker : "none";
  };
  EXPECT_NE(created(), name);
  b.now += 29s;
  EXPECT_NE(created(), name) << "somebody may still be evicting what is called so";
  b.now += 1s;
  EXPECT_EQ(created(), name);
}

TEST(Plan, TakesBackCordonsBeforeItCreates) {
  PoolBuilder b;
  b.add(4);
  b.add(1, api::WorkerState::kCordoned);
  b.wait(5);
  const Plan p = b.plan();
  EXPECT_EQ(PoolBuilder::count(p, Kind::kUncordon), 1);
  EXPECT_EQ(PoolBuilder::count(p, Kind::kCreate), 1);
}

TEST(Plan, ScalesToZeroByRetiring) {
  PoolBuilder b;
  b.add(0);
  b.add(0);
  (void)b.settle();
  const Plan p = b.settle();
  EXPECT_EQ(PoolBuilder::count(p, Kind::kRetire), 2);
  EXPECT_EQ(PoolBuilder::count(p, Kind::kDelete), 0);
}

TEST(Plan, AReadyPodAfterTheLastFailureEndsTheRowOfFailures) {
  PoolBuilder b;
  b.add_starting().finished = true;
  (void)b.plan();
  EXPECT_EQ(b.o.history.failures.at("").in_a_row, 1);
  b.now += 10s;
  Worker& w = b.add(0);
  w.created_at = b.now;
  (void)b.plan();
  EXPECT_TRUE(b.o.history.failures.empty());
}

TEST(Plan, RestsWhenNothingChanges) {
  PoolBuilder b;
  b.add(3);
  (void)b.settle();
  EXPECT_TRUE(b.settle().actions.empty());
}

}  // namespace
}  // namespace berth::op
