#include "tests/unit/worker/support/table_fixture.h"

namespace berth::worker {
namespace {

using api::EndReason;

TEST_F(TableTest, SessionsSurviveARestartWithFullLeases) {
  api::CreateSession c = ask("s1", {{"gpu", 1}});
  c.execution_timeout = 10min;
  c.owner = "ada";
  ASSERT_TRUE(admit(c));
  const TimePoint deadline = clock_.now() + 10min;
  clock_.set(clock_.now() + 19s);
  restart();
  const Session* s = table_->find(sid("s1"));
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->lease_expires, clock_.now() + 20s);
  EXPECT_EQ(s->execution_deadline, deadline);
  EXPECT_EQ(s->owner, "ada");
  EXPECT_EQ(used("gpu"), 1);
  EXPECT_FALSE(admit(ask("s1"))->created);
  pass(20s);
  EXPECT_EQ(table_->find_ended(sid("s1"))->reason, EndReason::kLeaseExpired);
}

TEST_F(TableTest, AfterARestartNoSessionCanBeGivenBack) {
  open("s1");
  restart();
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionClaimed");
}

TEST_F(TableTest, ActivitiesThatRanAreWorkerRestartedAndTheirLeftoversAreNamed) {
  open("s1");
  accept("s1", "a");
  table_->set_process_group(sid("s1"), aid("a"), 4711);
  accept("s1", "b");
  finish("s1", "b", api::ActivityState::kSucceeded, "7");

  const std::vector<Record> records = ledger_.records;
  make();
  for (const Record& r : records) {
    table_->replay(r);
  }
  const auto left = table_->leftovers();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].activity, aid("a"));
  EXPECT_EQ(left[0].process_group, 4711);
  table_->finish_restore(true);

  const auto& a = (*table_->find_activity(sid("s1"), aid("a")))->info;
  EXPECT_EQ(a.state, api::ActivityState::kFailed);
  EXPECT_EQ(a.failure->type, "WorkerRestarted");
  EXPECT_EQ((*table_->find_activity(sid("s1"), aid("b")))->info.result, Json(7));
  EXPECT_EQ(table_->slots().activities, 0);
  EXPECT_FALSE(table_->accept_activity(sid("s1"), aid("a"), "work")->is_new);
}

TEST_F(TableTest, ASessionThatWasEndingIsOverAfterARestart) {
  open("s1");
  accept("s1", "a");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kExecutionTimeout));
  restart();
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(table_->find_ended(sid("s1"))->reason, EndReason::kExecutionTimeout);
  EXPECT_EQ(events<SessionEndedEvent>().size(), 1u);
}

TEST_F(TableTest, EndedIdsHoldsAndSwitchesSurviveARestart) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted));
  open("s2");
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted, 60s));
  ASSERT_TRUE(table_->drain(8, clock_.now() + 1h));
  restart();
  EXPECT_EQ(reason(admit(ask("s1"))), "SessionEnded");
  EXPECT_NE(table_->find_hold(sid("s2")), nullptr);
  EXPECT_EQ(used(), 1);
  EXPECT_EQ(table_->epoch(), 8);
  EXPECT_EQ(table_->state(), api::WorkerState::kDraining);
  EXPECT_EQ(table_->next_wakeup(), clock_.now() + 60s);
}

TEST_F(TableTest, AClaimedHoldIsNotThereAfterARestart) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 60s));
  const api::CreateSession c = ask("s2");
  ASSERT_TRUE(table_->admit(c, *c.token_hash, sid("s1")));
  restart();
  EXPECT_EQ(table_->find_hold(sid("s1")), nullptr);
  EXPECT_EQ(used(), 1);
  EXPECT_NE(table_->find_ended(sid("s1")), nullptr);
}

TEST_F(TableTest, AHoldThatRanOutDoesNotComeBackWithARestart) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), EndReason::kCompleted, 30s));
  pass(31s);
  restart();
  EXPECT_EQ(used(), 0);
  EXPECT_NE(table_->find_ended(sid("s1")), nullptr);
}

TEST_F(TableTest, RetireCrashRestartIsStillRetired) {
  ASSERT_TRUE(table_->retire());
  restart();
  EXPECT_EQ(reason(admit(ask("s1"))), "Retired");
}

TEST_F(TableTest, AShutdownIsNotRememberedAcrossARestart) {
  open("s1");
  table_->shut_down(clock_.now() + 1min);
  restart();
  EXPECT_EQ(table_->state(), api::WorkerState::kActive);
  EXPECT_TRUE(admit(ask("s2")));
}

TEST_F(TableTest, AfterARebootOfTheMachineItsSessionsAreOver) {
  open("s1");
  open("s2");
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted, 60s));
  ASSERT_TRUE(table_->cordon(3));
  restart(false);
  EXPECT_TRUE(table_->empty());
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(table_->find_ended(sid("s1"))->reason, EndReason::kHostRestarted);
  EXPECT_EQ(table_->state(), api::WorkerState::kCordoned);
}

TEST_F(TableTest, ASnapshotRebuildsTheSameTable) {
  settings_.activities.max_results = 1;
  settings_.sessions.max_per_worker = 3;
  make();
  open("s1", {{"gpu", 1}});
  for (const char* id : {"a", "b"}) {
    accept("s1", id);
    finish("s1", id);
  }
  accept("s1", "c");
  table_->set_process_group(sid("s1"), aid("c"), 99);
  open("s2");
  ASSERT_TRUE(table_->end(sid("s2"), EndReason::kCompleted, 60s));
  open("s3");
  EXPECT_EQ(reason(admit(ask("s4"))), "NoFreeSlot");
  ASSERT_TRUE(table_->end(sid("s3"), EndReason::kLeaseExpired));
  ASSERT_TRUE(table_->cordon(2));
  const std::vector<Record> snapshot = table_->snapshot();
  const api::Slots before = table_->slots();

  make();
  for (const Record& r : snapshot) {
    table_->replay(r);
  }
  EXPECT_EQ(table_->snapshot(), snapshot);
  EXPECT_EQ(table_->slots().used, before.used);
  EXPECT_EQ(table_->slots().activities, before.activities);
  EXPECT_EQ(table_->slots().sessions, before.sessions);
  EXPECT_EQ(table_->leftovers().at(0).process_group, 99);
  EXPECT_EQ(reason(table_->find_activity(sid("s1"), aid("a"))), "ResultForgotten");
}

TEST_F(TableTest, PagesWithStepsInBetweenGiveTheTableOfTheLastStep) {
  settings_.max_ended = 4;
  make();
  for (const char* id : {"a", "b", "c", "d"}) {
    open(id);
    ASSERT_TRUE(table_->end(sid(id), EndReason::kCompleted));
  }
  open("live");
  std::vector<Record> records;
  std::optional<std::uint64_t> next = 0;
  for (int step = 0; next; ++step) {
    const SnapshotPage page = table_->snapshot(*next, 1);
    records.insert(records.end(), page.records.begin(), page.records.end());
    next = page.next;
    if (step == 1) {  // Pushes "a" and "b" out, and "a" comes back.
      for (const char* id : {"e", "f", "a"}) {
        open(id);
        ASSERT_TRUE(table_->end(sid(id), EndReason::kCompleted));
      }
      ASSERT_TRUE(table_->end(sid("live"), EndReason::kLeaseExpired));
      open("later");
    }
  }
  const api::Slots before = table_->slots();

  make();
  for (const Record& r : records) {
    table_->replay(r);
  }
  EXPECT_EQ(table_->slots().used, before.used);
  EXPECT_NE(table_->find(sid("later")), nullptr);
  EXPECT_EQ(table_->find(sid("live")), nullptr);
  for (const char* id : {"e", "f", "a", "live"}) {
    EXPECT_NE(table_->find_ended(sid(id)), nullptr) << id;
  }
  EXPECT_EQ(table_->snapshot().size(), 5u) << "each id once";
}

}  // namespace
}  // namespace berth::worker
