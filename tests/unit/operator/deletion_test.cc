#include "operator/removal/deletion.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

struct Deleted : PoolBuilder {
  Deleted() {
    pool->deleting = true;
    pool->drain.timeout = 10min;
  }
  Deletion run() { return delete_pool(o, now); }
};

TEST(PoolDeletion, IsDoneWithoutWorkers) {
  Deleted b;
  const Deletion d = b.run();
  EXPECT_TRUE(d.done);
  EXPECT_TRUE(d.actions.empty());
}

TEST(PoolDeletion, CordonsWhatIsInUseAndRetiresWhatIsIdle) {
  Deleted b;
  b.add(2);
  b.add(0);
  const Deletion d = b.run();
  ASSERT_EQ(d.actions.size(), 2U);
  EXPECT_EQ(d.actions[0].kind, Kind::kCordon);
  EXPECT_EQ(d.actions[1].kind, Kind::kRetire);
  EXPECT_FALSE(d.done);
  EXPECT_EQ(d.sessions, 2);
}

TEST(PoolDeletion, SaysWhatItWaitsForAndTheWayOut) {
  Deleted b;
  b.add(2, api::WorkerState::kCordoned);
  const Deletion d = b.run();
  EXPECT_TRUE(d.actions.empty());
  EXPECT_EQ(
      d.waits_for,
      "waiting for 2 sessions on 1 worker to end; spec.drain.policy: End bounds the wait; the "
      "annotation berth.dev/force-delete=true on the pool ends them now");
}

TEST(PoolDeletion, PolicyEndTellsTheDeadlineAlsoToWhatIsCordonedAlready) {
  Deleted b;
  b.pool->drain.policy = api::DrainPolicy::kEnd;
  b.add(2, api::WorkerState::kCordoned);
  const Deletion d = b.run();
  ASSERT_EQ(d.actions.size(), 1U);
  EXPECT_EQ(d.actions[0].kind, Kind::kDrain);
  EXPECT_EQ(d.actions[0].deadline, b.now + 10min);
}

TEST(PoolDeletion, ADrainedWorkerIsRetired) {
  Deleted b;
  b.add(0, api::WorkerState::kDraining);
  ASSERT_EQ(b.run().actions.size(), 1U);
  EXPECT_EQ(b.run().actions[0].kind, Kind::kRetire);
}

TEST(PoolDeletion, APersonsCordonHoldsNothingUp) {
  Deleted b;
  b.add(0, api::WorkerState::kCordoned).person_cordon = true;
  ASSERT_EQ(b.run().actions.size(), 1U);
  EXPECT_EQ(b.run().actions[0].kind, Kind::kRetire);
}

TEST(PoolDeletion, DeletesAtOnceWhatNeverServed) {
  Deleted b;
  b.add_starting();
  const Deletion d = b.run();
  ASSERT_EQ(d.actions.size(), 1U);
  EXPECT_EQ(d.actions[0].kind, Kind::kDelete);
  EXPECT_FALSE(d.actions[0].resource_version.empty());
}

TEST(PoolDeletion, WaitsForUnreadableWorkers) {
  Deleted b;
  b.add(1).silent = true;
  const Deletion d = b.run();
  EXPECT_TRUE(d.actions.empty());
  EXPECT_FALSE(d.done);
  EXPECT_NE(d.waits_for.find("1 of which cannot be read"), std::string::npos);
}

TEST(PoolDeletion, ForcedItEndsSessionsAtOnceAndDeletesWhatCannotBeRead) {
  Deleted b;
  b.pool->force_delete = true;
  b.add(2);
  b.add(0);
  b.add(1).silent = true;
  const Deletion d = b.run();
  ASSERT_EQ(d.actions.size(), 3U);
  EXPECT_EQ(d.actions[0].kind, Kind::kDrain);
  EXPECT_EQ(d.actions[0].deadline, b.now);
  EXPECT_EQ(d.actions[1].kind, Kind::kRetire);
  EXPECT_EQ(d.actions[2].kind, Kind::kDelete);
}

TEST(PoolDeletion, ForcedItIsDoneOnceEveryPodIsBeingDeleted) {
  Deleted b;
  b.add(1).deleting = true;
  EXPECT_FALSE(b.run().done);
  b.pool->force_delete = true;
  EXPECT_TRUE(b.run().done);
}

TEST(PoolDeletion, APodAskedForAndNotSeenYetIsWaitedFor) {
  Deleted b;
  b.add_starting().uid.clear();
  EXPECT_TRUE(b.run().actions.empty());
  EXPECT_FALSE(b.run().done);
}

TEST(PoolDeletion, MakesNoNewWorkers) {
  Deleted b;
  b.wait(10);
  b.pool->scaling.min_workers = 3;
  EXPECT_TRUE(b.plan().actions.empty());
}

}  // namespace
}  // namespace berth::op
