#include "tests/unit/worker/support/table_fixture.h"

namespace berth::worker {
namespace {

using api::EndReason;
using api::WorkerState;

TEST_F(TableTest, CordonKeepsNewSessionsOutAndOpenOnesIn) {
  open("s1");
  ASSERT_TRUE(table_->cordon(1));
  EXPECT_EQ(reason(admit(ask("s2"))), "Cordoned");
  pass(10s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  ASSERT_TRUE(table_->uncordon(1));
  EXPECT_TRUE(admit(ask("s2")));
}

TEST_F(TableTest, AnEpochLowerThanTheHighestSeenIsRefused) {
  ASSERT_TRUE(table_->cordon(5));
  for (const auto& r : {table_->cordon(4), table_->uncordon(4), table_->drain(4, clock_.now())}) {
    EXPECT_EQ(reason(r), "StaleEpoch");
    EXPECT_EQ(r.error().code, ErrorCode::kConflict);
    EXPECT_THAT(r.error().message, ::testing::HasSubstr("5"));
  }
  EXPECT_EQ(table_->state(), WorkerState::kCordoned);
  EXPECT_TRUE(table_->uncordon(6));
  EXPECT_EQ(table_->epoch(), 6);
  EXPECT_EQ(reason(table_->cordon(5)), "StaleEpoch");
}

TEST_F(TableTest, DrainEndsWhatIsLeftAtItsDeadline) {
  open("s1");
  open("s2");
  ASSERT_TRUE(table_->drain(1, clock_.now() + 10s));
  EXPECT_EQ(table_->state(), WorkerState::kDraining);
  EXPECT_EQ(reason(admit(ask("s3"))), "Draining");
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted));
  pass(10s);
  EXPECT_EQ(table_->find_ended(sid("s1"))->reason, EndReason::kDrainDeadline);
  EXPECT_EQ(table_->find_ended(sid("s2"))->reason, EndReason::kCompleted);
}

TEST_F(TableTest, UncordonCancelsADrain) {
  open("s1");
  ASSERT_TRUE(table_->drain(1, clock_.now() + 10s));
  ASSERT_TRUE(table_->uncordon(2));
  pass(15s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  EXPECT_EQ(table_->state(), WorkerState::kActive);
}

TEST_F(TableTest, CordoningADrainingWorkerKeepsItsDeadline) {
  open("s1");
  ASSERT_TRUE(table_->drain(1, clock_.now() + 10s));
  ASSERT_TRUE(table_->cordon(2));
  EXPECT_EQ(table_->state(), WorkerState::kDraining);
}

TEST_F(TableTest, DrainDropsHeldSlotsAtItsDeadline) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  ASSERT_TRUE(table_->drain(1, clock_.now() + 10s));
  EXPECT_FALSE(table_->empty());
  pass(10s);
  EXPECT_TRUE(table_->empty());
}

TEST_F(TableTest, RetireIsRefusedWhileASessionIsOpenEndingOrHeld) {
  open("s1");
  accept("s1", "a");
  EXPECT_EQ(reason(table_->retire()), "SessionsOpen");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  EXPECT_EQ(reason(table_->retire()), "SessionsOpen");
  finish("s1", "a");
  EXPECT_EQ(reason(table_->retire()), "SessionsOpen");
  pass(60s);
  EXPECT_TRUE(table_->retire());
}

TEST_F(TableTest, ARetiredWorkerNeverTakesASessionAgainAndSaysSoEachTime) {
  ASSERT_TRUE(table_->retire());
  ASSERT_TRUE(table_->retire());
  EXPECT_EQ(ledger_.count<RetiredRecord>(), 1u);
  EXPECT_EQ(reason(admit(ask("s1"))), "Retired");
  EXPECT_EQ(reason(table_->uncordon(9)), "Retired");
  EXPECT_EQ(table_->state(), WorkerState::kRetired);
}

TEST_F(TableTest, ARetireThatCannotBeWrittenDownIsNotGiven) {
  ledger_.full = true;
  EXPECT_EQ(reason(table_->retire()), "JournalUnavailable");
  EXPECT_FALSE(table_->retired());
  ledger_.full = false;
  EXPECT_TRUE(admit(ask("s1")));
}

TEST_F(TableTest, ACordonThatCannotBeWrittenDownChangesNothing) {
  ledger_.full = true;
  EXPECT_EQ(reason(table_->cordon(3)), "JournalUnavailable");
  EXPECT_EQ(table_->state(), WorkerState::kActive);
  EXPECT_EQ(table_->epoch(), 0);
}

TEST_F(TableTest, ShutdownServesOpenSessionsUntilItsDeadline) {
  open("s1");
  open("s2");
  table_->shut_down(clock_.now() + 15s);
  EXPECT_EQ(reason(admit(ask("s3"))), "Draining");
  pass(10s);
  EXPECT_TRUE(table_->check_open(sid("s1")));
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted));
  pass(5s);
  EXPECT_EQ(table_->find_ended(sid("s1"))->reason, EndReason::kWorkerShutdown);
  EXPECT_TRUE(table_->empty());
}

TEST_F(TableTest, ShutdownDropsHoldsAndMakesNoNewOnes) {
  open("s1");
  open("s2");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  table_->shut_down(clock_.now() + 1h);
  EXPECT_EQ(used(), 1);
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted, 60s));
  EXPECT_TRUE(table_->empty());
}

TEST_F(TableTest, ASecondShutdownMayOnlyShorten) {
  open("s1");
  table_->shut_down(clock_.now() + 5s);
  table_->shut_down(clock_.now() + 1h);
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 5s);
  table_->shut_down(clock_.now() + 1s);
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 1s);
}

TEST_F(TableTest, UncordonDoesNotUndoAShutdown) {
  table_->shut_down(clock_.now() + 5s);
  ASSERT_TRUE(table_->uncordon(1));
  EXPECT_EQ(reason(admit(ask("s1"))), "Draining");
}

}  // namespace
}  // namespace berth::worker
