#include "tests/unit/worker/support/table_fixture.h"

namespace berth::worker {
namespace {

using api::ActivityState;

TEST_F(TableTest, TheSameActivityIdNeverRunsTwice) {
  open("s1");
  accept("s1", "a");
  auto again = table_->accept_activity(sid("s1"), aid("a"), "work");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->activity->info.state, ActivityState::kRunning);
  finish("s1", "a", ActivityState::kSucceeded, R"({"n":1})");
  again = table_->accept_activity(sid("s1"), aid("a"), "work");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->activity->info.result, Json({{"n", 1}}));
  EXPECT_EQ(ledger_.count<ActivityAcceptedRecord>(), 1u);
}

TEST_F(TableTest, AnActivityIdUsedForAnotherTypeIsAConflict) {
  open("s1");
  accept("s1", "a", "fetch");
  const auto r = table_->accept_activity(sid("s1"), aid("a"), "store");
  EXPECT_EQ(reason(r), "ActivityIdTaken");
  EXPECT_EQ(r.error().field, "activityId");
}

TEST_F(TableTest, ActivitiesRunningAtOnceAreBounded) {
  open("s1");
  accept("s1", "a");
  accept("s1", "b");
  accept("s1", "c");
  EXPECT_EQ(reason(table_->accept_activity(sid("s1"), aid("d"), "work")), "TooManyActivities");
  finish("s1", "b");
  EXPECT_TRUE(table_->accept_activity(sid("s1"), aid("d"), "work"));
  EXPECT_EQ(table_->slots().activities, 3);
}

TEST_F(TableTest, AnActivityThatCannotBeWrittenDownIsNotAccepted) {
  open("s1");
  ledger_.full = true;
  EXPECT_EQ(reason(table_->accept_activity(sid("s1"), aid("a"), "work")), "JournalUnavailable");
  EXPECT_EQ(table_->slots().activities, 0);
  ledger_.full = false;
  accept("s1", "a");
}

TEST_F(TableTest, ARejectedActivityLeavesItsIdFree) {
  open("s1");
  accept("s1", "a", "fetch");
  table_->reject_activity(sid("s1"), aid("a"));
  EXPECT_EQ(table_->slots().activities, 0);
  EXPECT_EQ(reason(table_->find_activity(sid("s1"), aid("a"))), "ActivityNotFound");
  accept("s1", "a", "store");
}

TEST_F(TableTest, OldResultsAreForgottenButTheirIdsAreNot) {
  settings_.activities.max_results = 2;
  make();
  open("s1");
  for (const char* id : {"a", "b", "c"}) {
    accept("s1", id);
    finish("s1", id);
  }
  EXPECT_EQ(reason(table_->find_activity(sid("s1"), aid("a"))), "ResultForgotten");
  EXPECT_EQ(reason(table_->accept_activity(sid("s1"), aid("a"), "work")), "ResultForgotten");
  EXPECT_TRUE(table_->find_activity(sid("s1"), aid("b")));
  EXPECT_TRUE(table_->find_activity(sid("s1"), aid("c")));
}

TEST_F(TableTest, ResultsAreBoundedInBytesAndTheNewestIsAlwaysKept) {
  settings_.activities.max_result_bytes = 100;
  make();
  open("s1");
  accept("s1", "a");
  finish("s1", "a", ActivityState::kSucceeded, "1");
  accept("s1", "b");
  finish("s1", "b", ActivityState::kSucceeded, '"' + std::string(500, 'x') + '"');
  EXPECT_EQ(reason(table_->find_activity(sid("s1"), aid("a"))), "ResultForgotten");
  EXPECT_TRUE(table_->find_activity(sid("s1"), aid("b")));
}

TEST_F(TableTest, TheNumberOfActivitiesInOneSessionIsBounded) {
  settings_.activities.max_ids = 2;
  make();
  open("s1");
  accept("s1", "a");
  finish("s1", "a");
  accept("s1", "b");
  finish("s1", "b");
  EXPECT_EQ(reason(table_->accept_activity(sid("s1"), aid("c"), "work")), "TooManyActivities");
}

TEST_F(TableTest, ProgressAndStderrRaiseTheActivitysVersion) {
  open("s1");
  accept("s1", "a");
  const auto version = [&] { return (*table_->find_activity(sid("s1"), aid("a")))->info.version; };
  const auto first = version();
  table_->set_progress(sid("s1"), aid("a"), 0.5);
  EXPECT_EQ(version(), first + 1);
  table_->set_stderr_tail(sid("s1"), aid("a"), "warning");
  EXPECT_EQ(version(), first + 2);
  table_->set_cancelling(sid("s1"), aid("a"));
  EXPECT_EQ(version(), first + 3);
  finish("s1", "a", ActivityState::kCancelled);
  EXPECT_EQ(version(), first + 4);
  table_->set_progress(sid("s1"), aid("a"), 0.9);
  table_->set_cancelling(sid("s1"), aid("a"));
  EXPECT_EQ(version(), first + 4);
  const auto& info = (*table_->find_activity(sid("s1"), aid("a")))->info;
  EXPECT_EQ(info.state, ActivityState::kCancelled);
  EXPECT_EQ(info.stderr_tail, "warning");
}

TEST_F(TableTest, TheRuntimeOfAnActivityIsMeasuredHere) {
  open("s1");
  accept("s1", "a");
  clock_.set(clock_.now() + 3s);
  finish("s1", "a");
  EXPECT_EQ((*table_->find_activity(sid("s1"), aid("a")))->info.runtime, 3s);
}

TEST_F(TableTest, AResultThatDoesNotFitOnTheDiskStillReachesItsCaller) {
  open("s1");
  accept("s1", "a");
  ledger_.full = ledger_.full_for_all = true;
  finish("s1", "a", ActivityState::kSucceeded, "42");
  EXPECT_EQ(ledger_.refused, 2);  // The result, then the bare fact.
  EXPECT_EQ((*table_->find_activity(sid("s1"), aid("a")))->info.result, Json(42));
}

}  // namespace
}  // namespace berth::worker
