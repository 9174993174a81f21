#include "operator/removal/removal.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

TEST(Removal, TakesWhatNeverStartedThenIdleThenTheEmptiest) {
  PoolBuilder b;
  b.add(3);
  b.add(1);
  b.add(0);
  b.add_starting();
  const auto actions = give_up(b.o, 3);
  ASSERT_EQ(actions.size(), 3u);
  EXPECT_EQ(actions[0].kind, Kind::kDelete);
  EXPECT_EQ(actions[0].worker, "files-3");
  EXPECT_FALSE(actions[0].resource_version.empty());
  EXPECT_EQ(actions[1].kind, Kind::kRetire);
  EXPECT_EQ(actions[1].worker, "files-2");
  EXPECT_EQ(actions[2].kind, Kind::kCordon);
  EXPECT_EQ(actions[2].worker, "files-1");
}

TEST(Removal, NeverDeletesAWorkerThatHasStarted) {
  PoolBuilder b;
  Worker& w = b.add_starting();
  w.never_started = false;
  EXPECT_TRUE(give_up(b.o, 1).empty());
}

TEST(Removal, LeavesAloneWhatIsBeingRemovedAlready) {
  PoolBuilder b;
  b.add(0).removing = true;
  EXPECT_TRUE(give_up(b.o, 1).empty());
}

TEST(Removal, UnreadableWorkersAreNotDeletedForBeingUnreadable) {
  PoolBuilder b;
  b.add(0).silent = true;
  EXPECT_TRUE(delete_the_dead(b.o, b.now).empty());
  EXPECT_TRUE(give_up(b.o, 1).empty());
}

TEST(Removal, DeletesFailedPodsWithTheirVersion) {
  PoolBuilder b;
  b.add(0).finished = true;
  const auto actions = delete_the_dead(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].uid, "uid-0");
  EXPECT_EQ(actions[0].resource_version, "10");
}

TEST(Removal, DeletesWorkersOfLostNodes) {
  PoolBuilder b;
  b.add(2).node_lost = true;
  EXPECT_EQ(delete_the_dead(b.o, b.now).size(), 1u);
}

TEST(Removal, DeletesAContainerThatIsDownLongerThanAnyLease) {
  PoolBuilder b;
  Worker& w = b.add(2);
  w.silent = true;
  w.stopped_since = b.now - b.o.pool.worker.sessions.max_heartbeat_timeout;
  EXPECT_TRUE(delete_the_dead(b.o, b.now).empty());
  EXPECT_EQ(delete_the_dead(b.o, b.now + 1s).size(), 1u);
}

TEST(Removal, FinishesARetirementThatWasBegun) {
  PoolBuilder b;
  b.add(0, api::WorkerState::kRetired);
  const auto actions = delete_the_dead(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kDelete);
}

TEST(Removal, RetiresDrainedWorkersButNotAPersonsCordon) {
  PoolBuilder b;
  b.add(0, api::WorkerState::kCordoned);
  b.add(1, api::WorkerState::kCordoned);
  b.add(0, api::WorkerState::kCordoned).person_cordon = true;
  const auto actions = retire_the_drained(b.o);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].worker, "files-0");
}

TEST(Removal, TakesBackItsOwnCordonsFullestFirst) {
  PoolBuilder b;
  b.add(1, api::WorkerState::kCordoned);
  b.add(3, api::WorkerState::kCordoned);
  b.add(2, api::WorkerState::kCordoned).person_cordon = true;
  const auto actions = take_back(b.o, 5);
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(actions[0].worker, "files-1");
}

TEST(Removal, ObeysAPersonsAnnotation) {
  PoolBuilder b;
  b.add(1).person_cordon = true;
  const auto actions = obey_persons(b.o);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kCordon);
}

}  // namespace
}  // namespace berth::op
