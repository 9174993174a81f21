#include "operator/scaling/autoscaler.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

TEST(Autoscaler, ANewPoolStartsAtItsMinimum) {
  PoolBuilder b;
  EXPECT_EQ(b.plan().scaling.create, 0);
  b.pool->scaling.min_workers = 2;
  EXPECT_EQ(b.plan().scaling.create, 2);
}

TEST(Autoscaler, WaitingSessionsBringWorkersAtOnce) {
  PoolBuilder b;
  b.wait(20);
  const Plan p = b.plan();
  // 20 waiting + 1 kept free over 4 a worker.
  EXPECT_EQ(p.scaling.create, 6);
  EXPECT_EQ(p.scaling.want, 6);
}

TEST(Autoscaler, KeepsTheBufferFreeWhileThereIsWork) {
  PoolBuilder b;
  b.add(4);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.load.buffer, 1);
  EXPECT_EQ(p.scaling.create, 1);
}

TEST(Autoscaler, CountsStartingWorkersAsRoom) {
  PoolBuilder b;
  b.add_starting();
  b.wait(3);
  EXPECT_EQ(b.plan().scaling.create, 0);
}

TEST(Autoscaler, PercentBufferIsOfTheFutureTotal) {
  PoolBuilder b;
  b.pool->scaling.free_slots = {25, true};
  b.add(3);
  b.add(3);
  // ceil(6 * 100 / 75) = 8, so 2 are kept free.
  EXPECT_EQ(b.plan().scaling.load.buffer, 2);
  EXPECT_EQ(b.plan().scaling.create, 0);
}

TEST(Autoscaler, MaxWorkersHoldsAndSaysSo) {
  PoolBuilder b;
  b.wait(100);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 6);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kMaxWorkers);
  EXPECT_NE(p.scaling.sentence.find("MaxWorkers"), std::string::npos);
}

TEST(Autoscaler, TheBufferGoesAfterTheIdleTime) {
  PoolBuilder b;
  b.add(1);
  (void)b.plan();
  b.o.workers[0].slots->used[api::kSlot] = 0;
  b.o.workers[0].slots->sessions = 0;
  EXPECT_EQ(b.plan().scaling.load.buffer, 1);
  b.now += 5s;
  EXPECT_EQ(b.plan().scaling.load.buffer, 0);
}

TEST(Autoscaler, WakesItselfWhenTheIdleTimeIsOver) {
  PoolBuilder b;
  b.add(1);
  (void)b.plan();
  b.o.workers[0].slots->used[api::kSlot] = 0;
  b.o.workers[0].slots->sessions = 0;
  EXPECT_EQ(b.plan().wake_at, b.now + 5s);
}

TEST(Autoscaler, ShrinksOnlyToTheHighestWantOfTheWindow) {
  PoolBuilder b;
  b.add(4);
  b.add(4);
  b.add(1);
  (void)b.plan();
  b.o.workers[0].slots->used[api::kSlot] = 0;
  b.o.workers[0].slots->sessions = 0;
  Plan p = b.plan();
  EXPECT_EQ(p.scaling.want, 2);
  EXPECT_EQ(p.scaling.remove, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kStabilization);
  b.now += 9s;
  EXPECT_EQ(b.plan().scaling.remove, 0);
  b.now += 1s;
  EXPECT_EQ(b.plan().scaling.remove, 1);
}

TEST(Autoscaler, AWantStaysInForceUntilItIsReplacedHoweverLongNobodyPlanned) {
  PoolBuilder b;
  b.add(4);
  b.add(4);
  b.add(1);
  (void)b.plan();
  b.now += 1h;  // Quiet: the three workers were needed all that time.
  b.o.workers[0].slots->used[api::kSlot] = 0;
  b.o.workers[0].slots->sessions = 0;
  EXPECT_EQ(b.plan().scaling.remove, 0);
}

TEST(Autoscaler, DoesNotShrinkInItsFirstWindow) {
  PoolBuilder b;
  b.o.history.started_at = b.now - 4s;
  b.add(0);
  b.add(0);
  b.add(1);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.remove, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kWarmUp);
  EXPECT_EQ(p.wake_at, b.now + 6s);
}

TEST(Autoscaler, NoDemandDataNoScaleDown) {
  PoolBuilder b;
  b.add(0);
  b.add(0);
  b.o.demand.readable = false;
  const Plan p = b.settle();
  EXPECT_EQ(p.scaling.remove, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kNoData);
}

TEST(Autoscaler, ToleranceHoldsSmallShrinksButNeverTheLast) {
  PoolBuilder b;
  b.pool->scaling.tolerance = 0.5;
  for (int i = 0; i < 3; ++i) {
    b.add(i == 0 ? 0 : 3);
  }
  EXPECT_EQ(b.settle().scaling.limit, ScalingLimit::kTolerance);
  for (Worker& w : b.o.workers) {
    w.slots->used[api::kSlot] = 0;
    w.slots->sessions = 0;
  }
  (void)b.settle();
  EXPECT_EQ(b.settle().scaling.remove, 3);
}

TEST(Autoscaler, RatesAreCountedOverTheLastMinute) {
  PoolBuilder b;
  b.pool->scaling.up_max_workers_per_minute = 2;
  b.o.history.created = {b.now - 30s};
  b.wait(40);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 1);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kUpRate);
  EXPECT_EQ(p.wake_at, b.now + 30s);
}

TEST(Autoscaler, DownRateHolds) {
  PoolBuilder b;
  b.pool->scaling.down_max_workers_per_minute = 1;
  b.add(0);
  b.add(0);
  b.add(0);
  (void)b.settle();
  const Plan p = b.settle();
  EXPECT_EQ(p.scaling.remove, 1);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kDownRate);
}

TEST(Autoscaler, LeavesRoomForTheBufferAsSessionsAreReallySpread) {
  PoolBuilder b;
  b.pool->scaling.free_slots = {4, false};
  b.add(4);
  b.add(4);
  b.add(0);
  EXPECT_EQ(b.settle().scaling.remove, 0);
}

TEST(Autoscaler, LeavingWorkersTakeRoomOnlyUpToTheSurge) {
  PoolBuilder b;  // 6 + 25 % = 8 in all.
  for (int i = 0; i < 8; ++i) {
    b.add(4, api::WorkerState::kDraining);
  }
  b.wait(4);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kMaxSurge);
}

TEST(Autoscaler, OverdueAndFailedPodsTakeNoRoom) {
  PoolBuilder b;
  for (int i = 0; i < 8; ++i) {
    Worker& w = b.add(4);
    w.deleting = true;
    w.delete_by = b.now - 5min;
  }
  b.wait(4);
  EXPECT_EQ(b.plan().scaling.create, 2);
}

TEST(Autoscaler, ManyUnschedulablePodsHoldMore) {
  PoolBuilder b;
  b.pool->scaling.max_workers = 100;
  for (int i = 0; i < 5; ++i) {
    b.add_starting().unschedulable = true;
  }
  b.wait(40);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kUnschedulable);
}

TEST(Autoscaler, FailingPodsHoldCreatesForAGrowingTime) {
  PoolBuilder b;
  b.wait(1);
  Worker& w = b.add_starting();
  w.finished = true;
  Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 0);
  EXPECT_EQ(p.scaling.limit, ScalingLimit::kFailures);
  EXPECT_EQ(p.wake_at, b.now + 1s);
  b.now += 1s;
  EXPECT_EQ(b.plan().scaling.create, 1);
  b.o.workers[0].uid = "next-one";  // It fails too.
  p = b.plan();
  EXPECT_EQ(p.wake_at, b.now + 2s);
}

TEST(Autoscaler, DeletedPodsThatEndAreNoFailures) {
  PoolBuilder b;
  b.wait(1);
  for (int i = 0; i < 3; ++i) {
    Worker& w = b.add(4);
    w.deleting = true;
    w.delete_by = b.now + 30s;
    w.finished = true;
  }
  const Plan p = b.plan();
  EXPECT_NE(p.scaling.limit, ScalingLimit::kFailures);
  EXPECT_EQ(p.scaling.create, 1);
}

TEST(Autoscaler, UnreadableWorkersAreReplacedNotCountedOn) {
  PoolBuilder b;
  b.add(1).silent = true;
  b.wait(1);
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.load.present, 0);
  EXPECT_EQ(p.scaling.create, 1);
}

TEST(Autoscaler, FixedWorkersSwitchItOff) {
  PoolBuilder b;
  b.pool->workers = 9;  // Not clamped to maxWorkers.
  b.add(0);
  EXPECT_EQ(b.plan().scaling.create, 8);
  b.pool->workers = 0;
  EXPECT_EQ(b.plan().scaling.remove, 1);
}

TEST(Autoscaler, PausedReplacesButNeitherGrowsNorShrinks) {
  PoolBuilder b;
  b.pool->scaling.min_workers = 2;
  b.add(0);
  b.add(0);
  (void)b.plan();
  b.pool->scaling.min_workers = 0;
  b.pool->scaling.paused = true;
  b.wait(50);
  EXPECT_EQ(b.settle().scaling.create, 0);
  b.o.demand.waiting.clear();
  EXPECT_EQ(b.settle().scaling.remove, 0);
  b.o.workers.pop_back();
  EXPECT_EQ(b.settle().scaling.create, 1);
}

TEST(Autoscaler, TypedResourcesDecideToo) {
  PoolBuilder b;
  b.pool->worker.sessions.resources = {{"gpu", 1}};
  b.pool->scaling.free_slots = {0, false};
  b.wait(3, {{"gpu", 1}});
  EXPECT_EQ(b.plan().scaling.create, 3);
}

TEST(Autoscaler, SessionsThatNoWorkerCouldHoldBringNone) {
  PoolBuilder b;
  b.wait(3, {{"gpu", 1}});
  b.pool->scaling.free_slots = {0, false};
  const Plan p = b.plan();
  EXPECT_EQ(p.scaling.create, 0);
  EXPECT_EQ(p.scaling.impossible, 3);
}

TEST(Autoscaler, SessionsThatNoWorkerCouldHoldKeepNone) {
  PoolBuilder b;
  b.pool->worker.sessions.resources = {{"gpu", 1}};
  b.pool->scaling.free_slots = {50, true};
  b.add(0);
  b.add(0);
  b.wait(1, {{"gpu", 1000}});
  const Plan p = b.settle();
  EXPECT_EQ(p.scaling.want, 0);
  EXPECT_EQ(p.scaling.load.buffer, 0) << "for the pool, nothing is used or waiting";
  EXPECT_EQ(p.scaling.remove, 2);
  EXPECT_EQ(p.scaling.load.waiting, 1) << "it is shown all the same";
  b.pool->workers = 1;
  EXPECT_EQ(b.plan().scaling.impossible, 1);
}

}  // namespace
}  // namespace berth::op
