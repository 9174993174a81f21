#include "berth/auth/owner_key.h"
#include "tests/unit/worker/support/table_fixture.h"

namespace berth::worker {
namespace {

TEST_F(TableTest, OpensASessionWithTheAskedTimeouts) {
  api::CreateSession c = ask("s1");
  c.heartbeat_timeout = 30s;
  c.execution_timeout = 5min;
  const auto r = admit(c);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->created);
  EXPECT_EQ(r->session->lease_expires, clock_.now() + 30s);
  EXPECT_EQ(r->session->execution_deadline, clock_.now() + 5min);
  EXPECT_EQ(used(), 1);
  EXPECT_EQ(ledger_.count<SessionOpenedRecord>(), 1u);
}

TEST_F(TableTest, UsesThePoolsDefaultsWhenNothingIsAsked) {
  const auto r = admit(ask("s1"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->session->lease_expires, clock_.now() + 20s);
  EXPECT_EQ(r->session->execution_deadline, clock_.now() + 1h);
}

TEST_F(TableTest, RefusesTimeoutsBeyondThePoolsCapsAndNamesTheField) {
  api::CreateSession c = ask("s1");
  c.heartbeat_timeout = 11min;
  EXPECT_EQ(admit(c).error().field, "heartbeatTimeout");
  c = ask("s1");
  c.execution_timeout = 25h;
  EXPECT_EQ(admit(c).error().field, "executionTimeout");
  c.execution_timeout = 10ms;
  EXPECT_EQ(admit(c).error().text(),
            "InvalidArgument: executionTimeout: must be between 1s and 24h in this pool, is 10ms");
  EXPECT_EQ(used(), 0);
  EXPECT_TRUE(ledger_.records.empty());
}

TEST_F(TableTest, RefusesASessionBeyondTheSlots) {
  open("s1");
  open("s2");
  const auto r = admit(ask("s3"));
  EXPECT_EQ(reason(r), "NoFreeSlot");
  EXPECT_EQ(r.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(r.error().field, "resources.session");
}

TEST_F(TableTest, NamesTheTypedResourceThatIsShort) {
  open("s1", {{"gpu", 1}});
  const auto r = admit(ask("s2", {{"gpu", 1}}));
  EXPECT_EQ(reason(r), "NoFreeSlot");
  EXPECT_EQ(r.error().field, "resources.gpu");
  EXPECT_TRUE(admit(ask("s2")));
}

TEST_F(TableTest, AResourceThatThisWorkerNeverHasIsTheCallersMistake) {
  auto r = admit(ask("s1", {{"tpu", 1}}));
  EXPECT_EQ(reason(r), "ResourceNotOffered");
  EXPECT_EQ(r.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(r.error().field, "resources.tpu");
  r = admit(ask("s1", {{"gpu", 2}}));
  EXPECT_EQ(r.error().field, "resources.gpu");
}

TEST_F(TableTest, ARepeatWithTheSameTokenGetsTheFirstSession) {
  open("s1");
  const auto before = table_->version();
  const auto again = admit(ask("s1"));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->created);
  EXPECT_EQ(used(), 1);
  EXPECT_EQ(table_->version(), before);
  EXPECT_EQ(ledger_.records.size(), 1u);
}

TEST_F(TableTest, ARepeatIsAnsweredThoughTheWorkerTakesNoNewSession) {
  open("s1");
  ASSERT_TRUE(table_->cordon(1));
  EXPECT_TRUE(admit(ask("s1")));
  EXPECT_EQ(reason(admit(ask("s2"))), "Cordoned");
}

TEST_F(TableTest, AnotherTokenOrNoneForATakenIdIsAConflict) {
  open("s1");
  api::CreateSession c = ask("s1");
  c.token_hash = hash("other");
  EXPECT_EQ(reason(admit(c)), "SessionIdTaken");
  c.token_hash.reset();
  EXPECT_EQ(reason(table_->admit(c, hash("made-here"))), "SessionIdTaken");
}

TEST_F(TableTest, AnEndedIdStaysGoneForTenMinutesAndIsThenFree) {
  open("s1");
  ASSERT_TRUE(table_->end(sid("s1"), api::EndReason::kCompleted));
  EXPECT_EQ(reason(admit(ask("s1"))), "SessionEnded");
  pass(9min + 59s);
  EXPECT_EQ(reason(admit(ask("s1"))), "SessionEnded");
  pass(2s);
  EXPECT_TRUE(admit(ask("s1")));
}

TEST_F(TableTest, RemembersABoundedNumberOfEndedIds) {
  settings_.max_ended = 3;
  make();
  for (int i = 0; i < 5; ++i) {
    const std::string id = "s" + std::to_string(i);
    open(id);
    ASSERT_TRUE(table_->end(sid(id), api::EndReason::kCompleted));
  }
  EXPECT_EQ(table_->find_ended(sid("s1")), nullptr);
  EXPECT_NE(table_->find_ended(sid("s2")), nullptr);
  EXPECT_NE(table_->find_ended(sid("s4")), nullptr);
}

TEST_F(TableTest, ACreateThatCannotBeWrittenDownOpensNothing) {
  ledger_.full = true;
  const auto before = table_->version();
  EXPECT_EQ(reason(admit(ask("s1"))), "JournalUnavailable");
  EXPECT_EQ(table_->find(sid("s1")), nullptr);
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(table_->version(), before);
  ledger_.full = false;
  EXPECT_TRUE(admit(ask("s1")));
}

TEST_F(TableTest, GivesBackASessionThatNobodyHasUsed) {
  open("s1");
  ASSERT_TRUE(table_->give_back(sid("s1"), "a1"));
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(events<SessionEndedEvent>().at(0).session.reason, api::EndReason::kGivenBack);
}

TEST_F(TableTest, AGivenBackIdMayBeAskedForAgainAtOnce) {
  open("s1");
  ASSERT_TRUE(table_->give_back(sid("s1"), "a1"));
  EXPECT_TRUE(admit(ask("s1", {}, "a2")));
}

TEST_F(TableTest, ACreateThatComesAfterItsGiveBackIsRefused) {
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionNotFound");
  EXPECT_EQ(reason(admit(ask("s1", {}, "a1"))), "AttemptGivenBack");
  EXPECT_EQ(used(), 0);
  EXPECT_TRUE(admit(ask("s1", {}, "a2"))) << "another attempt is another matter";
}

TEST_F(TableTest, ARepeatedCreateThatComesAfterItsGiveBackIsRefused) {
  open("s1");
  ASSERT_TRUE(table_->give_back(sid("s1"), "a1"));
  EXPECT_EQ(reason(admit(ask("s1", {}, "a1"))), "AttemptGivenBack");
}

TEST_F(TableTest, ALateCreateOfAnEarlierAttemptDoesNotTakeTheSessionOver) {
  ASSERT_TRUE(admit(ask("s1", {}, "a2")));
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionClaimed");
  EXPECT_EQ(reason(admit(ask("s1", {}, "a1"))), "AttemptGivenBack");
  EXPECT_TRUE(table_->give_back(sid("s1"), "a2")) << "it still belongs to the newer attempt";
}

TEST_F(TableTest, GivenBackAttemptsAreRememberedForAMinuteAndOnlySoMany) {
  settings_.max_given_back = 2;
  make();
  for (const char* attempt : {"a1", "a2", "a3"}) {
    EXPECT_FALSE(table_->give_back(sid("s1"), attempt));
  }
  EXPECT_EQ(reason(admit(ask("s1", {}, "a3"))), "AttemptGivenBack");
  EXPECT_TRUE(admit(ask("s1", {}, "a1"))) << "the oldest was forgotten";
  pass(61s);
  EXPECT_FALSE(table_->give_back(sid("s9"), "a9"));
  EXPECT_TRUE(admit(ask("s2", {}, "a2")));
}

TEST_F(TableTest, GiveBacksWithoutANonceAreNotRemembered) {
  EXPECT_FALSE(table_->give_back(sid("s1"), ""));
  EXPECT_FALSE(table_->give_back(sid("s1"), std::string(129, 'x')));
  EXPECT_TRUE(admit(ask("s1", {}, "")));
}

class OwnerLimitTest : public TableTest {
 protected:
  OwnerLimitTest() {
    settings_.sessions.max_per_worker = 4;
    settings_.sessions.max_per_owner = 2;
    make();
  }
  Result<SessionTable::Admission> open_for(const std::string& id, const std::string& owner) {
    api::CreateSession c = ask(id);
    c.owner = owner;
    return admit(c);
  }
  std::int64_t told(const std::string& owner) {
    const auto owners = table_->slots().owners;
    const auto it = owners.find(auth::owner_key(owner));
    return it == owners.end() ? 0 : it->second;
  }
};

TEST_F(OwnerLimitTest, HoldsForEachOwnerByItself) {
  EXPECT_TRUE(open_for("s1", "ann"));
  EXPECT_TRUE(open_for("s2", "ann"));
  EXPECT_EQ(reason(open_for("s3", "ann")), "OwnerLimit");
  EXPECT_TRUE(open_for("s3", "bob"));
  EXPECT_TRUE(open_for("s2", "ann")) << "a repeat is not one more";
}

TEST_F(OwnerLimitTest, AnEndMakesRoom) {
  EXPECT_TRUE(open_for("s1", "ann"));
  EXPECT_TRUE(open_for("s2", "ann"));
  EXPECT_EQ(told("ann"), 2);
  ASSERT_TRUE(table_->end(sid("s1"), api::EndReason::kCompleted));
  EXPECT_EQ(told("ann"), 1);
  EXPECT_TRUE(open_for("s3", "ann"));
}

TEST_F(OwnerLimitTest, AHeldSlotCountsAndItsTokenGivesItUp) {
  EXPECT_TRUE(open_for("s1", "ann"));
  EXPECT_TRUE(open_for("s2", "ann"));
  ASSERT_TRUE(table_->end(sid("s1"), api::EndReason::kCompleted, 60s));
  EXPECT_EQ(told("ann"), 2);
  EXPECT_EQ(reason(open_for("s3", "ann")), "OwnerLimit");
  api::CreateSession c = ask("s3");
  c.owner = "ann";
  EXPECT_TRUE(table_->admit(c, *c.token_hash, sid("s1")));
  EXPECT_EQ(told("ann"), 2);
}

TEST_F(OwnerLimitTest, DoesNotTouchSessionsWithoutAnOwner) {
  for (const char* id : {"s1", "s2", "s3"}) {
    EXPECT_TRUE(open_for(id, ""));
  }
  EXPECT_TRUE(table_->slots().owners.empty());
}

TEST_F(OwnerLimitTest, IsCountedAgainAfterARestart) {
  EXPECT_TRUE(open_for("s1", "ann"));
  EXPECT_TRUE(open_for("s2", "ann"));
  ASSERT_TRUE(table_->end(sid("s2"), api::EndReason::kCompleted));
  const auto records = table_->snapshot();
  make();
  for (const Record& record : records) {
    table_->replay(record);
  }
  table_->finish_restore(true);
  EXPECT_EQ(told("ann"), 1);
}

TEST_F(TableTest, WithoutALimitNoOwnersAreTold) {
  api::CreateSession c = ask("s1");
  c.owner = "ann";
  ASSERT_TRUE(admit(c));
  EXPECT_TRUE(table_->slots().owners.empty());
}

TEST_F(TableTest, ALateGiveBackDoesNotTouchASessionThatALaterAttemptClaimed) {
  open("s1");
  ASSERT_TRUE(admit(ask("s1", {}, "a2")));
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionClaimed");
  EXPECT_TRUE(table_->check_open(sid("s1")));
  EXPECT_TRUE(table_->give_back(sid("s1"), "a2"));
}

TEST_F(TableTest, ACreateThatArrivesLateCannotTakeAwayWhatALaterAttemptWasAnswered) {
  ASSERT_TRUE(admit(ask("s1", {}, "a2")));
  ASSERT_TRUE(admit(ask("s1", {}, "a1")));  // Sent before, overtaken on the way.
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionClaimed");
  EXPECT_TRUE(table_->check_open(sid("s1")));
}

TEST_F(TableTest, ASessionEndsWhenAllItsAttemptsHaveGivenItBackInAnyOrder) {
  open("s1");
  ASSERT_TRUE(admit(ask("s1", {}, "a2")));
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a2")), "SessionClaimed");
  EXPECT_TRUE(table_->give_back(sid("s1"), "a1"));
  EXPECT_EQ(used(), 0);
}

TEST_F(TableTest, AnAttemptThatWasNeverAnsweredCannotGiveBack) {
  open("s1");
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a9")), "SessionClaimed");
  EXPECT_TRUE(table_->check_open(sid("s1")));
}

TEST_F(TableTest, ASessionOfMoreAttemptsThanAreKeptIsLeftToItsLease) {
  for (int i = 1; i <= 40; ++i) {
    ASSERT_TRUE(admit(ask("s1", {}, "a" + std::to_string(i))));
  }
  EXPECT_LE(table_->find(sid("s1"))->attempts.size(), 17U);
  for (int i = 1; i <= 40; ++i) {
    EXPECT_EQ(reason(table_->give_back(sid("s1"), "a" + std::to_string(i))), "SessionClaimed");
  }
}

TEST_F(TableTest, AUsedSessionCannotBeGivenBack) {
  open("s1");
  table_->touch(sid("s1"));
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "a1")), "SessionClaimed");
  EXPECT_TRUE(table_->check_open(sid("s1")));
}

TEST_F(TableTest, ASessionWithoutANonceCannotBeGivenBack) {
  ASSERT_TRUE(admit(ask("s1", {}, "")));
  EXPECT_EQ(reason(table_->give_back(sid("s1"), "")), "SessionClaimed");
}

TEST_F(TableTest, ListsOldestFirst) {
  open("zz");
  clock_.set(clock_.now() + 1s);
  open("aa");
  const auto list = table_->list();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]->id.str(), "zz");
  EXPECT_EQ(list[1]->id.str(), "aa");
}

TEST_F(TableTest, EveryChangeOfTheSlotsRaisesTheVersion) {
  auto last = table_->version();
  const auto grew = [&] { return table_->version() > std::exchange(last, table_->version()); };
  open("s1");
  EXPECT_TRUE(grew());
  accept("s1", "act");
  EXPECT_TRUE(grew());
  finish("s1", "act");
  EXPECT_TRUE(grew());
  table_->renew(sid("s1"));
  EXPECT_FALSE(grew());
  ASSERT_TRUE(table_->cordon(4));
  EXPECT_TRUE(grew());
  ASSERT_TRUE(table_->cordon(4));
  EXPECT_FALSE(grew());
  ASSERT_TRUE(table_->end(sid("s1"), api::EndReason::kCompleted));
  EXPECT_TRUE(grew());
  ASSERT_TRUE(table_->retire());
  EXPECT_TRUE(grew());
}

TEST_F(TableTest, SlotsShowCapacityUseStateAndEpoch) {
  open("s1", {{"gpu", 1}});
  ASSERT_TRUE(table_->cordon(7));
  const api::Slots s = table_->slots();
  EXPECT_EQ(s.incarnation.str(), "inc-1");
  EXPECT_EQ(s.capacity, (api::Resources{{"session", 2}, {"gpu", 1}}));
  EXPECT_EQ(s.used, (api::Resources{{"session", 1}, {"gpu", 1}}));
  EXPECT_EQ(s.sessions, 1);
  EXPECT_EQ(s.state, api::WorkerState::kCordoned);
  EXPECT_EQ(s.epoch, 7);
}

}  // namespace
}  // namespace berth::worker
