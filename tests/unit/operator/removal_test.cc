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
  const auto actions = give_up(b.o, Fleet(), 3);
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
  EXPECT_TRUE(give_up(b.o, Fleet(), 1).empty());
}

TEST(Removal, LeavesAloneWhatIsBeingRemovedAlready) {
  PoolBuilder b;
  b.add(0).removing = true;
  EXPECT_TRUE(give_up(b.o, Fleet(), 1).empty());
}

TEST(Removal, UnreadableWorkersAreNotDeletedForBeingUnreadable) {
  PoolBuilder b;
  b.add(0).silent = true;
  EXPECT_TRUE(delete_the_dead(b.o, b.now).empty());
  EXPECT_TRUE(give_up(b.o, Fleet(), 1).empty());
}

TEST(Removal, DeletesFailedPodsWithTheirVersion) {
  PoolBuilder b;
  b.add(0).finished = true;
  const auto actions = delete_the_dead(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].uid, "uid-0");
  EXPECT_EQ(actions[0].resource_version, "10");
}

TEST(Removal, DeletesWorkersOfLostNodesOnceTheyAreSilent) {
  PoolBuilder b;
  Worker& w = b.add(2);
  w.node_lost = true;
  EXPECT_TRUE(delete_the_dead(b.o, b.now).empty()) << "somebody deleted the object of a live node";
  w.silent = true;
  EXPECT_EQ(delete_the_dead(b.o, b.now).size(), 1u);
}

TEST(Removal, DeletesAWorkerOfALostNodeThatNeverStarted) {
  PoolBuilder b;
  b.add_starting().node_lost = true;
  EXPECT_EQ(delete_the_dead(b.o, b.now).size(), 1u);
}

TEST(Removal, AWorkerThatCrashedBeforeItWasEverReadyCanGo) {
  PoolBuilder b;
  Worker& w = b.add_starting();
  w.never_started = false;
  w.never_ready = true;
  const auto actions = give_up(b.o, Fleet(), 1);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kDelete);
  EXPECT_FALSE(actions[0].resource_version.empty());
}

TEST(Removal, PrefersWorkersOnNodesThatMayBeRemovedSoon) {
  PoolBuilder b;
  b.add(0);
  b.add(2).node_hinted = true;
  const auto actions = give_up(b.o, Fleet(), 1);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].worker, "files-1");
}

TEST(Removal, APersonsDrainIsRetiredWhenItsSessionsHaveEnded) {
  PoolBuilder b;
  b.add(1).person_drain = true;
  auto actions = obey_persons(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kCordon);
  b.o.workers[0].slots->state = api::WorkerState::kCordoned;
  EXPECT_TRUE(retire_the_drained(b.o, Fleet(), false).empty());
  b.o.workers[0].slots->sessions = 0;
  actions = retire_the_drained(b.o, Fleet(), false);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kRetire);
}

TEST(Removal, APersonsCordonGivesWayToALeavingNode) {
  PoolBuilder b;
  Worker& w = b.add(0, api::WorkerState::kCordoned);
  w.person_cordon = true;
  EXPECT_TRUE(retire_the_drained(b.o, Fleet(), false).empty());
  w.leaving = "node n is cordoned";
  EXPECT_EQ(retire_the_drained(b.o, Fleet(), false).size(), 1u);
}

TEST(Removal, APodThatSomebodyDeletesIsToldItsDeadlineOnce) {
  PoolBuilder b;
  Worker& w = b.add(2);
  w.deleting = true;
  w.delete_by = b.now + 60s;
  const auto actions = tell_deadlines(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kDrain);
  EXPECT_EQ(actions[0].deadline, b.now + 55s);
  w.told = actions[0].deadline;
  EXPECT_TRUE(tell_deadlines(b.o, b.now).empty());
  w.delete_by = b.now + 20s;
  EXPECT_EQ(tell_deadlines(b.o, b.now).size(), 1u) << "the grace was shortened again";
}

TEST(Removal, AnEmptyPodThatIsBeingDeletedIsToldNothing) {
  PoolBuilder b;
  b.add(0).deleting = true;
  EXPECT_TRUE(tell_deadlines(b.o, b.now).empty());
}

TEST(Removal, AnIdleWorkerThatHasNotHeardOfItsPodsDeletionIsRetired) {
  PoolBuilder b;
  Worker& w = b.add(0);
  w.deleting = true;
  w.delete_by = b.now + 1h;
  History history;
  const DeafWorkers seen = retire_the_deaf(b.o, b.now, history);
  EXPECT_TRUE(seen.actions.empty()) << "it may be exiting right now";
  ASSERT_EQ(seen.wake_at, b.now + 5s);
  const auto actions = retire_the_deaf(b.o, *seen.wake_at, history).actions;
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kRetire);
  w.delete_by = b.now + 10s;
  EXPECT_TRUE(retire_the_deaf(b.o, b.now + 5s, history).actions.empty()) << "its delete was sent";
}

TEST(Removal, AWorkerOfADeletedPodIsLeftAloneWhileItIsInUseOrGoneAlready) {
  PoolBuilder b;
  b.add(1);
  b.add(0).silent = true;
  b.add(0).removing = true;
  for (Worker& w : b.o.workers) {
    w.deleting = true;
    w.delete_by = b.now + 1h;
  }
  b.add(0);
  History history;
  EXPECT_TRUE(retire_the_deaf(b.o, b.now, history).actions.empty());
  const DeafWorkers later = retire_the_deaf(b.o, b.now + 1min, history);
  EXPECT_TRUE(later.actions.empty());
  EXPECT_EQ(later.wake_at, std::nullopt);
}

TEST(Removal, TheSecondsToExitBeginWhenTheLastSessionEnds) {
  PoolBuilder b;
  Worker& w = b.add(1, api::WorkerState::kDraining);
  w.deleting = true;
  w.delete_by = b.now + 1h;
  History history;
  EXPECT_TRUE(retire_the_deaf(b.o, b.now, history).actions.empty());
  w.slots->sessions = 0;
  EXPECT_TRUE(retire_the_deaf(b.o, b.now + 1min, history).actions.empty());
  EXPECT_EQ(retire_the_deaf(b.o, b.now + 1min + 5s, history).actions.size(), 1u);
}

TEST(Removal, DeletesAContainerThatIsDownLongerThanAnyLease) {
  PoolBuilder b;
  Worker& w = b.add(2);
  w.silent = true;
  w.stopped_since = b.now - b.pool->worker.sessions.max_heartbeat_timeout;
  // The minute is for a kubelet that has stopped and whose node still counts as ready.
  EXPECT_TRUE(delete_the_dead(b.o, b.now + 1min).empty());
  EXPECT_EQ(delete_the_dead(b.o, b.now + 61s).size(), 1u);
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
  const auto actions = retire_the_drained(b.o, Fleet(), false);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].worker, "files-0");
}

TEST(Removal, TakesBackItsOwnCordonsFullestFirst) {
  PoolBuilder b;
  b.add(1, api::WorkerState::kCordoned);
  b.add(3, api::WorkerState::kCordoned);
  b.add(2, api::WorkerState::kCordoned).person_cordon = true;
  const auto actions = take_back(b.o, Fleet(), 5);
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(actions[0].worker, "files-1");
}

TEST(Removal, ObeysAPersonsAnnotation) {
  PoolBuilder b;
  b.add(1).person_cordon = true;
  const auto actions = obey_persons(b.o, b.now);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].kind, Kind::kCordon);
}

}  // namespace
}  // namespace berth::op
