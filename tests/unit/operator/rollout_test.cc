#include "operator/rollout/rollout.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

/// Four workers of revision "old" with one session each, as many as are wanted, and the pool now at
/// "new".
struct Rollout : PoolBuilder {
  explicit Rollout(int workers = 4) {
    pool->scaling.min_workers = workers;
    pool->scaling.max_workers = 20;
    o.revision = "old";
    for (int i = 0; i < workers; ++i) {
      add(1).revision = "old";
    }
    (void)settle();
    change_to("new");
  }
  void change_to(const std::string& revision) {
    o.known_revisions.insert(o.revision);
    o.known_revisions.erase(revision);
    o.revision = revision;
  }
  Worker& add_new(std::int64_t used) {
    Worker& w = add(used);
    w.revision = o.revision;
    return w;
  }
  Worker& add_new_starting() {
    Worker& w = add_starting();
    w.revision = o.revision;
    return w;
  }
  static std::vector<Action> of(const Plan& p, Kind kind) {
    std::vector<Action> found;
    for (const Action& a : p.actions) {
      if (a.kind == kind) {
        found.push_back(a);
      }
    }
    return found;
  }
};

TEST(Rollout, NewWorkersComeOnTopUpToTheSurge) {
  Rollout b;
  const Plan p = b.plan();
  const auto created = Rollout::of(p, Kind::kCreate);
  ASSERT_EQ(created.size(), 1U) << "25 % of 4";
  EXPECT_EQ(created[0].revision, "new");
  EXPECT_FALSE(created[0].rated);
  EXPECT_TRUE(Rollout::of(p, Kind::kCordon).empty());
  EXPECT_EQ(p.scaling.target, 4);
}

TEST(Rollout, AShareOfTheSurgeIsRoundedUpAndAtLeastOne) {
  Rollout b(5);
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kCreate).size(), 2U);
  Rollout one(1);
  one.pool->rollout.max_surge = {1, true};
  EXPECT_EQ(Rollout::of(one.plan(), Kind::kCreate).size(), 1U);
}

TEST(Rollout, NothingMoreWhileTheNewOnesStart) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting();
  EXPECT_TRUE(b.plan().actions.empty());
}

TEST(Rollout, AnOldWorkerDrainsForEachNewOneThatAdmitsEmptiestFirst) {
  Rollout b;
  (void)b.plan();
  b.o.workers[2].slots->sessions = 0;
  b.o.workers[2].slots->used[api::kSlot] = 0;
  b.add_new(0);
  const Plan p = b.plan();
  const auto retired = Rollout::of(p, Kind::kRetire);
  ASSERT_EQ(retired.size(), 1U);
  EXPECT_EQ(retired[0].worker, "files-2");
  EXPECT_EQ(p.scaling.target, 4) << "the surge is not what scaling wants";
}

TEST(Rollout, AWorkerInUseIsCordonedAndTheNextNewOneIsMadeMeanwhile) {
  Rollout b;
  (void)b.plan();
  b.add_new(0);
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kCordon).size(), 1U);
  b.o.workers[0].slots->state = api::WorkerState::kCordoned;
  const Plan p = b.plan();
  EXPECT_EQ(Rollout::of(p, Kind::kCreate).size(), 1U);
  EXPECT_TRUE(Rollout::of(p, Kind::kUncordon).empty()) << "an old worker is not taken back";
}

TEST(Rollout, WithPolicyEndTheWorkerIsToldItsDeadline) {
  Rollout b;
  b.pool->drain.policy = api::DrainPolicy::kEnd;
  b.pool->drain.timeout = 30min;
  (void)b.plan();
  b.add_new(0);
  const auto drained = Rollout::of(b.plan(), Kind::kDrain);
  ASSERT_EQ(drained.size(), 1U);
  EXPECT_EQ(drained[0].deadline, b.now + 30min);
}

TEST(Rollout, MaxUnavailableLetsOldOnesGoBeforeNewOnesAreReady) {
  Rollout b;
  b.add_new(0);  // It works.
  b.o.workers.back().removing = true;
  b.pool->rollout.max_unavailable = {50, true};
  b.pool->rollout.max_surge = {0, false};
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kCordon).size(), 2U);
}

TEST(Rollout, ASmallShareUnavailableIsOneWorkerWhereThereIsNoSurge) {
  Rollout b;
  b.add_new(0);  // It works.
  b.o.workers.back().removing = true;
  b.pool->rollout.max_unavailable = {1, true};
  b.pool->rollout.max_surge = {0, false};
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kCordon).size(), 1U);
}

TEST(Rollout, ItEndsWhenNoOldWorkerIsLeftAndSaysSoOnce) {
  Rollout b;
  Plan p = b.plan();
  ASSERT_EQ(p.notices.size(), 1U);
  EXPECT_EQ(p.notices[0].reason, "RolloutStarted");
  EXPECT_EQ(p.rollout.reason, "RollingOut");
  for (Worker& w : b.o.workers) {
    w.revision = "new";
  }
  p = b.plan();
  ASSERT_EQ(p.notices.size(), 1U);
  EXPECT_EQ(p.notices[0].reason, "RolloutFinished");
  EXPECT_TRUE(b.plan().notices.empty());
  EXPECT_TRUE(p.actions.empty());
}

TEST(Rollout, ARollbackTakesItsCordonsBackAndReplacesNobody) {
  Rollout b;
  (void)b.plan();
  b.add_new(1);
  (void)b.plan();
  b.o.workers[0].slots->state = api::WorkerState::kCordoned;
  b.change_to("old");
  const Plan p = b.plan();
  const auto lifted = Rollout::of(p, Kind::kUncordon);
  ASSERT_EQ(lifted.size(), 1U);
  EXPECT_EQ(lifted[0].worker, "files-0");
  EXPECT_TRUE(Rollout::of(p, Kind::kCreate).empty());
  b.o.workers[0].slots->state = api::WorkerState::kActive;
  const auto cordoned = Rollout::of(b.plan(), Kind::kCordon);
  ASSERT_EQ(cordoned.size(), 1U);
  EXPECT_EQ(cordoned[0].worker, "files-4") << "the tried one goes";
}

TEST(Rollout, ARollbackCallsADrainOffThatWeBegan) {
  Rollout b;
  b.pool->drain.policy = api::DrainPolicy::kEnd;
  b.o.workers[0].slots->state = api::WorkerState::kDraining;
  b.o.workers[0].told = b.now + 1h;
  b.change_to("old");
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kUncordon).size(), 1U);
}

TEST(Rollout, ARollbackDeletesWhatNeverServed) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting();
  b.change_to("old");
  const auto deleted = Rollout::of(b.plan(), Kind::kDelete);
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_EQ(deleted[0].worker, "files-4");
}

TEST(Rollout, ABrokenRevisionTakesNobodyDown) {
  Rollout b;
  (void)b.plan();
  Worker& w = b.add_new_starting();
  w.never_started = false;
  w.never_ready = true;
  w.trouble = "CrashLoopBackOff";
  for (int i = 0; i < 10; ++i) {
    b.now += 1min;
    EXPECT_TRUE(b.plan().actions.empty());
  }
  EXPECT_EQ(b.plan().rollout.reason, "NewRevisionFailing");
  EXPECT_NE(b.plan().rollout.message.find("CrashLoopBackOff"), std::string::npos);
}

TEST(Rollout, ForAPodThatTheServerRefusesNobodyGoesAndNoneIsTried) {
  for (const int surge : {0, 1}) {
    Rollout b;
    b.pool->rollout.max_surge = {surge, false};
    b.pool->rollout.max_unavailable = {1, false};
    b.o.refusal = "spec.containers[0].image: Required value";
    const Plan p = b.plan();
    EXPECT_TRUE(p.actions.empty()) << surge;
    EXPECT_EQ(p.rollout.reason, "NewRevisionFailing");
    EXPECT_NE(p.rollout.message.find("Required value"), std::string::npos);
  }
}

TEST(Rollout, WhileTheNewRevisionIsBrokenTheOldOneGrows) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting().trouble = "ImagePullBackOff";
  b.wait(20);
  int grown = 0;
  for (const Action& a : Rollout::of(b.plan(), Kind::kCreate)) {
    EXPECT_EQ(a.rated, a.revision == "old");
    grown += a.revision == "old" ? 1 : 0;
  }
  EXPECT_EQ(grown, 3) << "12 slots are free; 8 more for those waiting, 1 kept free";
}

TEST(Rollout, WhileTheNewRevisionIsBrokenTheOldOneShrinks) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting().trouble = "ImagePullBackOff";
  b.pool->scaling.min_workers = 1;
  for (int i = 0; i < 4; ++i) {
    b.o.workers[i].slots->sessions = 0;
    b.o.workers[i].slots->used[api::kSlot] = 0;
  }
  (void)b.settle();
  const Plan p = b.settle();
  EXPECT_EQ(Rollout::of(p, Kind::kRetire).size(), 3U);
  EXPECT_TRUE(Rollout::of(p, Kind::kDelete).empty()) << "the one on trial stays on trial";
}

TEST(Rollout, PodsThatFailOrFindNoNodeHoldUpTheirOwnRevisionOnly) {
  Rollout b(8);
  (void)b.plan();
  Worker& failed = b.add_new_starting();
  failed.finished = true;
  b.add_new_starting().unschedulable = true;
  b.wait(40);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 5);
  EXPECT_EQ(Rollout::of(p, Kind::kCreate).size(), 5U);
  for (const Action& a : Rollout::of(p, Kind::kCreate)) {
    EXPECT_EQ(a.revision, "old");
  }
}

TEST(Rollout, ATrialThatFailedIsTriedAgainWhenItsHoldEnds) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting().finished = true;
  const Plan p = b.plan();
  EXPECT_TRUE(Rollout::of(p, Kind::kCreate).empty());
  ASSERT_TRUE(p.wake_at);
  b.now = *p.wake_at;
  EXPECT_EQ(Rollout::of(b.plan(), Kind::kCreate).size(), 1U);
}

TEST(Rollout, ARevisionThatCannotBeMadeAnyMoreIsNotGrown) {
  Rollout b;
  b.o.known_revisions.clear();  // The operator was restarted.
  b.wait(40);
  for (const Action& a : Rollout::of(b.plan(), Kind::kCreate)) {
    EXPECT_EQ(a.revision, "new");
  }
}

TEST(Rollout, AThirdRevisionRemovesTheBrokenSecond) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting();
  b.change_to("third");
  const Plan p = b.plan();
  EXPECT_EQ(Rollout::of(p, Kind::kDelete).size(), 1U);
  const auto created = Rollout::of(p, Kind::kCreate);
  ASSERT_EQ(created.size(), 1U);
  EXPECT_EQ(created[0].revision, "third");
}

TEST(Rollout, WithoutASurgeATrialTakesOneBatchAndNoSecond) {
  Rollout b;
  b.pool->rollout.max_surge = {0, false};
  b.pool->rollout.max_unavailable = {1, false};
  Plan p = b.plan();
  EXPECT_EQ(Rollout::of(p, Kind::kCordon).size(), 1U);
  EXPECT_EQ(Rollout::of(p, Kind::kCreate).size(), 1U);
  b.o.workers[0].slots->state = api::WorkerState::kCordoned;
  b.add_new_starting();
  for (int i = 0; i < 5; ++i) {
    b.now += 1min;
    p = b.plan();
    EXPECT_TRUE(Rollout::of(p, Kind::kCordon).empty());
    for (const Action& a : Rollout::of(p, Kind::kCreate)) {
      EXPECT_EQ(a.revision, "old") << "scaling keeps its minimum";
    }
  }
}

TEST(Rollout, WithoutASurgeTheTrialTakesTheVictimsPlaceAndGrowthDoesNot) {
  Rollout b;
  b.pool->rollout.max_surge = {0, false};
  b.pool->rollout.max_unavailable = {1, false};
  b.pool->scaling.max_workers = 4;
  Plan p = b.plan();
  EXPECT_EQ(Rollout::of(p, Kind::kCordon).size(), 1U);
  EXPECT_TRUE(Rollout::of(p, Kind::kCreate).empty()) << "four are there";
  b.o.workers.erase(b.o.workers.begin());  // It has drained and gone.
  p = b.plan();
  const auto created = Rollout::of(p, Kind::kCreate);
  ASSERT_EQ(created.size(), 1U);
  EXPECT_EQ(created[0].revision, "new");
}

TEST(Rollout, AfterARestartWorkersThatAreReadyButHaveNotSpokenCountAsWorking) {
  Rollout b;
  (void)b.plan();
  Worker& w = b.add_new_starting();
  w.never_started = false;
  w.ready = true;
  b.o.history = {};
  b.o.history.started_at = b.now;
  b.o.history.target = 4;
  EXPECT_TRUE(Rollout::of(b.plan(), Kind::kCreate).empty());
}

TEST(Rollout, AWorkerOnALeavingNodeIsReplacedFirstAndThenDrained) {
  Rollout b;
  b.change_to("old");
  b.o.workers[3].leaving = "node n is cordoned";
  Plan p = b.plan();
  EXPECT_EQ(Rollout::of(p, Kind::kCreate).size(), 1U);
  EXPECT_TRUE(Rollout::of(p, Kind::kCordon).empty());
  EXPECT_TRUE(p.rollout.reason.empty()) << "no rollout";
  b.add(0).revision = "old";
  const auto cordoned = Rollout::of(b.plan(), Kind::kCordon);
  ASSERT_EQ(cordoned.size(), 1U);
  EXPECT_EQ(cordoned[0].worker, "files-3");
  EXPECT_EQ(cordoned[0].why, "node n is cordoned");
}

TEST(Rollout, LeavingNodesComeBeforeOldRevisions) {
  Rollout b;
  (void)b.plan();
  b.o.workers[1].leaving = "node n is cordoned";
  b.o.workers[1].slots->sessions = 4;
  b.add_new(0);
  const auto cordoned = Rollout::of(b.plan(), Kind::kCordon);
  ASSERT_EQ(cordoned.size(), 1U);
  EXPECT_EQ(cordoned[0].worker, "files-1");
}

TEST(Rollout, OnALeavingNodeWorkersOfTheServingRevisionAreReplacedDuringATrial) {
  Rollout b;
  (void)b.plan();
  b.add_new_starting().trouble = "ImagePullBackOff";
  b.o.workers[0].leaving = "node n is cordoned";
  const auto created = Rollout::of(b.plan(), Kind::kCreate);
  ASSERT_EQ(created.size(), 1U);
  EXPECT_EQ(created[0].revision, "old");
}

TEST(Rollout, DrainingWorkersCountAgainstMaxWorkersAndItsSurge) {
  Rollout b;
  b.pool->scaling.max_workers = 4;
  (void)b.plan();
  b.add_new(0);
  b.o.workers[0].slots->state = api::WorkerState::kCordoned;
  EXPECT_TRUE(Rollout::of(b.plan(), Kind::kCreate).empty()) << "4 and one more are there";
}

}  // namespace
}  // namespace berth::op
