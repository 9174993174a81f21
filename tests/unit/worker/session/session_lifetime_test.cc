#include "tests/unit/worker/support/table_fixture.h"

namespace berth::worker {
namespace {

using api::EndReason;

class LifetimeTest : public TableTest {
 protected:
  EndReason end_reason(const std::string& id) {
    const EndedSession* over = table_->find_ended(sid(id));
    EXPECT_NE(over, nullptr) << id << " has not ended";
    return over == nullptr ? EndReason::kCompleted : over->reason;
  }
};

TEST_F(LifetimeTest, ASessionWhoseOwnerIsSilentEndsWithItsLease) {
  open("s1");
  pass(20s - 1ns);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  pass(1ns);
  EXPECT_EQ(reason(table_->check_open(sid("s1"))), "SessionEnded");
  EXPECT_EQ(end_reason("s1"), EndReason::kLeaseExpired);
  EXPECT_EQ(used(), 0);
}

TEST_F(LifetimeTest, ARenewedLeaseLastsAFullTimeoutFromTheRenewal) {
  open("s1");
  for (int i = 0; i < 10; ++i) {
    pass(19s);
    table_->renew(sid("s1"));
  }
  pass(20s - 1ns);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  pass(1ns);
  EXPECT_EQ(end_reason("s1"), EndReason::kLeaseExpired);
}

TEST_F(LifetimeTest, ARenewalThatWasWaitingWhenTheLeaseRanOutStillCounts) {
  open("s1");
  clock_.set(clock_.now() + 25s);
  table_->renew(sid("s1"));
  table_->expire();
  EXPECT_TRUE(table_->check_open(sid("s1")));
}

TEST_F(LifetimeTest, TheExecutionDeadlineEndsARenewedSession) {
  api::CreateSession c = ask("s1");
  c.execution_timeout = 30s;
  ASSERT_TRUE(admit(c));
  pass(15s);
  table_->renew(sid("s1"));
  pass(14s);
  table_->renew(sid("s1"));
  pass(1s);
  EXPECT_EQ(end_reason("s1"), EndReason::kExecutionTimeout);
}

TEST_F(LifetimeTest, AnIdleSessionEndsButNotWhileAnActivityRuns) {
  settings_.sessions.idle_timeout = 5s;
  make();
  open("s1");
  accept("s1", "act");
  pass(15s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  finish("s1", "act");
  table_->renew(sid("s1"));
  pass(4s);
  table_->touch(sid("s1"));
  pass(4s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  pass(1s);
  EXPECT_EQ(end_reason("s1"), EndReason::kIdleTimeout);
}

TEST_F(LifetimeTest, AStallExtendsLeasesByItsLength) {
  open("s1");
  pass(10s);
  clock_.set(clock_.now() + 60s);
  table_->observe_stall(60s);
  table_->expire();
  EXPECT_TRUE(table_->check_open(sid("s1")));
  pass(10s - 1ns);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  pass(1ns);
  EXPECT_EQ(end_reason("s1"), EndReason::kLeaseExpired);
}

TEST_F(LifetimeTest, AStallDoesNotExtendTheExecutionDeadline) {
  api::CreateSession c = ask("s1");
  c.execution_timeout = 30s;
  ASSERT_TRUE(admit(c));
  clock_.set(clock_.now() + 60s);
  table_->observe_stall(60s);
  table_->expire();
  EXPECT_EQ(end_reason("s1"), EndReason::kExecutionTimeout);
}

TEST_F(LifetimeTest, AJumpOfTheWallClockEndsNothing) {
  open("s1");
  clock_.jump_wall(24h);
  table_->expire();
  EXPECT_TRUE(table_->check_open(sid("s1")));
  clock_.jump_wall(-48h);
  pass(19s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
}

TEST_F(LifetimeTest, ASlotStaysUsedUntilTheLastActivityHasReallyStopped) {
  open("s1");
  accept("s1", "a");
  accept("s1", "b");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted));
  const auto ending = events<SessionEndingEvent>();
  ASSERT_EQ(ending.size(), 1u);
  EXPECT_EQ(ending[0].to_cancel, (std::vector{aid("a"), aid("b")}));
  EXPECT_EQ(table_->find(sid("s1"))->state, api::SessionState::kEnding);
  pass(1h);
  EXPECT_EQ(used(), 1);
  finish("s1", "a", api::ActivityState::kCancelled);
  EXPECT_EQ(used(), 1);
  finish("s1", "b", api::ActivityState::kCancelled);
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(end_reason("s1"), EndReason::kCompleted);
}

TEST_F(LifetimeTest, AnEndingSessionTakesNoRenewalNoActivityAndKeepsItsFirstReason) {
  open("s1");
  accept("s1", "a");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted));
  EXPECT_EQ(reason(table_->accept_activity(sid("s1"), aid("b"), "work")), "SessionEnded");
  EXPECT_TRUE(table_->end(sid("s1"), EndReason::kDrainDeadline));
  EXPECT_EQ(reason(admit(ask("s1"))), "SessionEnded");
  finish("s1", "a");
  EXPECT_EQ(end_reason("s1"), EndReason::kCompleted);
}

TEST_F(LifetimeTest, AnEndWithoutActivitiesIsOneRecord) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted));
  EXPECT_EQ(ledger_.records.size(), 2u);
  EXPECT_EQ(ledger_.count<SessionEndedRecord>(), 1u);
}

TEST_F(LifetimeTest, ASessionEndsEvenIfThatCannotBeWrittenDown) {
  open("s1");
  ledger_.full = ledger_.full_for_all = true;
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted));
  EXPECT_EQ(used(), 0);
}

TEST_F(LifetimeTest, KeepForHoldsTheSlotForTheRecreateToken) {
  open("s1", {{"gpu", 1}});
  open("s2");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  EXPECT_EQ(used(), 2);
  EXPECT_EQ(used("gpu"), 1);
  EXPECT_NE(table_->find_hold(sid("s1")), nullptr);
  EXPECT_EQ(reason(admit(ask("s3"))), "NoFreeSlot");
  const api::CreateSession c = ask("s3", {{"gpu", 1}});
  ASSERT_TRUE(table_->admit(c, *c.token_hash, sid("s1")));
  EXPECT_EQ(used(), 2);
  EXPECT_EQ(used("gpu"), 1);
  EXPECT_EQ(table_->find_hold(sid("s1")), nullptr);
  EXPECT_EQ(end_reason("s1"), EndReason::kCompleted);
  table_->renew(sid("s2"));
  table_->renew(sid("s3"));
  pass(19s);
  EXPECT_TRUE(events<HoldReleasedEvent>().empty());
}

TEST_F(LifetimeTest, AHoldThatNobodyClaimsIsReleasedWhenItsTimeIsOver) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  table_->take_events();
  pass(60s - 1ns);
  EXPECT_EQ(used(), 1);
  pass(1ns);
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(events<HoldReleasedEvent>().at(0).id, sid("s1"));
  EXPECT_EQ(reason(admit(ask("s1"))), "SessionEnded");
}

TEST_F(LifetimeTest, AClaimThatDoesNotFitLeavesTheHoldAlone) {
  open("s1");
  open("s2", {{"gpu", 1}});
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  const api::CreateSession c = ask("s3", {{"gpu", 1}});
  EXPECT_EQ(reason(table_->admit(c, *c.token_hash, sid("s1"))), "NoFreeSlot");
  EXPECT_NE(table_->find_hold(sid("s1")), nullptr);
}

TEST_F(LifetimeTest, NextWakeupIsNeverLaterThanTheNextExpiry) {
  EXPECT_EQ(table_->next_wakeup(), TimePoint::max());
  open("s1");
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 20s);
  ASSERT_TRUE(table_->drain(1, clock_.now() + 7s));
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 7s);
  pass(7s);
  EXPECT_EQ(end_reason("s1"), EndReason::kDrainDeadline);
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 10min);
  pass(10min);
  EXPECT_EQ(table_->next_wakeup(), TimePoint::max());
}

TEST_F(LifetimeTest, ADeadlineThatHasPassedAsksForNoWakeupWhileActivitiesStop) {
  open("s1");
  accept("s1", "a");
  ASSERT_TRUE(table_->drain(1, clock_.now() + 5s));
  pass(5s);
  EXPECT_EQ(table_->find(sid("s1"))->state, api::SessionState::kEnding);
  EXPECT_EQ(table_->next_wakeup(), TimePoint::max());
}

}  // namespace
}  // namespace berth::worker
