#include "berth/kube/leader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/kube/src/lease_record.h"
#include "tests/unit/kube/lease_world.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LeaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Process> process(const std::string& identity) {
    return std::make_unique<Process>(world_, store_, identity, ++seed_,
                                     [this](const http::Request& r) { return delay_(r); });
  }
  // All processes and the server live through `by`, in small steps.
  void live(Duration by, std::initializer_list<Process*> processes) {
    const TimePoint end = world_.clock().now() + by;
    while (world_.clock().now() < end) {
      world_.advance(50ms);
      for (Process* p : processes) {
        p->run_until(world_.clock().now());
      }
    }
  }
  fakes::ManualLoop world_;
  LeaseStore store_;
  DelayedTransport::DelayFn delay_ = [](const http::Request&) { return Delay{}; };
  std::uint64_t seed_ = 0;
};

TEST_F(LeaderTest, TheFirstMakesTheLeaseAndLeadsWithEpochZero) {
  const auto a = process("a");
  live(1s, {a.get()});
  EXPECT_TRUE(a->may_write());
  EXPECT_THAT(a->started, ElementsAre(0));
  EXPECT_EQ(store_.holder(), "a");
  const Json& spec = (*store_.lease())["spec"];
  EXPECT_EQ(spec["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec["acquireTime"], spec["renewTime"]);
  EXPECT_THAT(a->metrics().text(), HasSubstr("leader_election_master_status{name=\"operator\"} 1"));
}

TEST_F(LeaderTest, ALeaderRenewsEveryTwoSecondsWithoutReading) {
  int gets = 0;
  delay_ = [&](const http::Request& r) {
    gets += r.method == "GET" ? 1 : 0;
    return Delay{};
  };
  const auto a = process("a");
  live(1s, {a.get()});
  const int writes = store_.writes();
  live(20s, {a.get()});
  EXPECT_EQ(store_.writes() - writes, 10);
  EXPECT_EQ(gets, 1);
  EXPECT_TRUE(a->may_write());
}

TEST_F(LeaderTest, AStandbyWaitsAndTakesOverFifteenSecondsAfterTheLastRenewalItSaw) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(60s, {a.get(), b.get()});
  EXPECT_FALSE(b->may_write());
  a->kill();
  live(12s, {b.get()});
  EXPECT_FALSE(b->may_write());
  live(10s, {b.get()});
  EXPECT_TRUE(b->may_write());
  EXPECT_THAT(b->started, ElementsAre(1));
  EXPECT_EQ(store_.transitions(), 1);
}

TEST_F(LeaderTest, TimesWrittenInTheRecordMeanNothing) {
  const auto a = process("a");
  live(1s, {a.get()});
  a->kill();
  Json lease = *store_.lease();
  lease["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z";
  http::Request put;
  put.method = "PUT";
  put.body = lease.dump();
  store_.handle(put);
  const auto b = process("b");
  live(14s, {b.get()});
  EXPECT_FALSE(b->may_write());
  live(6s, {b.get()});
  EXPECT_TRUE(b->may_write());
}

TEST_F(LeaderTest, OneHungCallDoesNotLoseTheLease) {
  const auto a = process("a");
  live(1s, {a.get()});
  int hang = 1;
  delay_ = [&](const http::Request&) { return hang-- > 0 ? Delay{0s, 1h} : Delay{}; };
  live(30s, {a.get()});
  EXPECT_TRUE(a->may_write());
  EXPECT_EQ(a->lost, 0);
}

TEST_F(LeaderTest, AServerAwayForTheRenewDeadlineLosesLeadershipOnce) {
  const auto a = process("a");
  live(1s, {a.get()});
  delay_ = [](const http::Request&) { return Delay{0s, 0s, false, true}; };
  live(7s, {a.get()});
  EXPECT_TRUE(a->may_write());
  EXPECT_EQ(a->lost, 0);
  live(4s, {a.get()});
  EXPECT_FALSE(a->may_write());
  EXPECT_EQ(a->lost, 1);
  delay_ = [](const http::Request&) { return Delay{}; };
  live(60s, {a.get()});
  EXPECT_EQ(a->lost, 1);
  EXPECT_FALSE(a->may_write());
  EXPECT_THAT(a->metrics().text(), HasSubstr("leader_election_master_status{name=\"operator\"} 0"));
}

TEST_F(LeaderTest, WhatALeaderMayDoCountsFromWhenItsRenewalWasSent) {
  const auto a = process("a");
  live(1s, {a.get()});
  int slow = 1;
  delay_ = [&](const http::Request&) {
    return slow-- > 0 ? Delay{0s, 4s} : Delay{0s, 0s, false, true};
  };
  live(10s + 500ms, {a.get()});  // sent at 2 s, answered at 6 s, all else refused
  EXPECT_TRUE(a->may_write());
  live(1s, {a.get()});
  EXPECT_FALSE(a->may_write());
}

TEST_F(LeaderTest, APausedHolderMayNotWriteFromTheFirstMomentAfterIt) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(5s, {a.get(), b.get()});
  live(60s, {b.get()});
  EXPECT_TRUE(b->may_write());
  a->wake_clock(world_.clock().now());
  EXPECT_FALSE(a->may_write());
  a->run_until(world_.clock().now());
  EXPECT_EQ(a->lost, 1);
  EXPECT_FALSE(a->may_write());
}

TEST_F(LeaderTest, ALeaderThatFindsAnotherHolderHasLost) {
  const auto a = process("a");
  live(1s, {a.get()});
  Json lease = *store_.lease();
  lease["spec"]["holderIdentity"] = "thief";
  http::Request put;
  put.method = "PUT";
  put.body = lease.dump();
  store_.handle(put);
  live(3s, {a.get()});
  EXPECT_EQ(a->lost, 1);
  EXPECT_EQ(store_.holder(), "thief");
}

TEST_F(LeaderTest, AForeignChangeOfTheObjectIsReadAndRenewedOver) {
  const auto a = process("a");
  live(1s, {a.get()});
  store_.touch();
  live(5s, {a.get()});
  EXPECT_TRUE(a->may_write());
  EXPECT_EQ(a->lost, 0);
  EXPECT_THAT(a->metrics().text(),
              HasSubstr("leader_election_slowpath_total{name=\"operator\"} 1"));
}

TEST_F(LeaderTest, FieldsOfOthersInTheLeaseStay) {
  const auto a = process("a");
  live(1s, {a.get()});
  Json lease = *store_.lease();
  lease["metadata"]["labels"]["team"] = "x";
  lease["spec"]["strategy"] = "OldestEmulationVersion";
  http::Request put;
  put.method = "PUT";
  put.body = lease.dump();
  store_.handle(put);
  live(5s, {a.get()});
  EXPECT_EQ(label_of(*store_.lease(), "team"), "x");
  EXPECT_EQ((*store_.lease())["spec"]["strategy"], "OldestEmulationVersion");
}

TEST_F(LeaderTest, AReleasedLeaseIsTakenWithinARetry) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(10s, {a.get(), b.get()});
  bool done = false;
  a->elector().release([&] { done = true; });
  EXPECT_FALSE(a->may_write()) << "before anything was sent";
  live(5s, {a.get(), b.get()});
  EXPECT_TRUE(done);
  EXPECT_EQ(a->lost, 0) << "giving back is not losing";
  EXPECT_TRUE(b->may_write());
  EXPECT_THAT(b->started, ElementsAre(1));
}

TEST_F(LeaderTest, AStandbyThatIsToldOfAReleaseTakesTheLeaseAtOnce) {
  int looks = 0;
  delay_ = [&](const http::Request& r) {
    looks += r.method == "GET" ? 1 : 0;
    return Delay{};
  };
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(10s, {a.get(), b.get()});
  // Just after b's own look: its next is two seconds away at least.
  for (const int before = looks; looks == before;) {
    live(50ms, {a.get(), b.get()});
  }
  a->elector().release([] {});
  live(500ms, {a.get(), b.get()});
  ASSERT_EQ(store_.holder(), "");
  b->elector().look_now();
  live(500ms, {b.get()});
  EXPECT_TRUE(b->may_write());
}

TEST_F(LeaderTest, AStandbyThatIsToldOfAReleaseThatWasNoneWaitsOn) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(10s, {a.get(), b.get()});
  for (int i = 0; i < 20; ++i) {
    b->elector().look_now();
    live(100ms, {a.get(), b.get()});
  }
  EXPECT_FALSE(b->may_write());
  EXPECT_TRUE(a->may_write());
  EXPECT_EQ(a->lost, 0);
}

TEST_F(LeaderTest, ALeaseDeletedAgainAndAgainStaysItsHolders) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(10s, {a.get(), b.get()});
  for (int i = 0; i < 40; ++i) {
    store_.erase();
    live(Duration(700ms) * (1 + i % 7), {a.get(), b.get()});
    EXPECT_TRUE(a->may_write());
    EXPECT_FALSE(b->may_write());
  }
  EXPECT_EQ(a->lost, 0);
  EXPECT_EQ(store_.transitions(), 0);
}

TEST_F(LeaderTest, ReleaseSurvivesAConflictAndTakesBackARenewalOnItsWay) {
  const auto a = process("a");
  live(1s, {a.get()});
  delay_ = [](const http::Request& r) { return r.method == "PUT" ? Delay{1s, 1s} : Delay{}; };
  live(2500ms, {a.get()});  // a renewal is on its way
  delay_ = [](const http::Request&) { return Delay{}; };
  bool done = false;
  a->elector().release([&] { done = true; });
  live(200ms, {a.get()});
  store_.touch();
  live(3s, {a.get()});
  EXPECT_TRUE(done);
  EXPECT_EQ(store_.holder(), "");
}

TEST_F(LeaderTest, ReleaseEndsInTimeWhenTheServerDoesNotAnswer) {
  const auto a = process("a");
  live(1s, {a.get()});
  delay_ = [](const http::Request&) { return Delay{0s, 0s, true}; };
  bool done = false;
  a->elector().release([&] { done = true; });
  live(6s, {a.get()});
  EXPECT_TRUE(done);
}

TEST_F(LeaderTest, AStandbyReleasesByDoingNothing) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(2s, {a.get(), b.get()});
  const int writes = store_.writes();
  bool done = false;
  b->elector().release([&] { done = true; });
  live(100ms, {b.get()});
  EXPECT_TRUE(done);
  live(60s, {b.get()});
  EXPECT_EQ(store_.writes(), writes);
}

TEST_F(LeaderTest, ADeletedLeaseIsMadeAgainByItsHolderWithTheSameEpoch) {
  const auto a = process("a");
  live(1s, {a.get()});
  a->kill();
  const auto b = process("b");
  live(30s, {b.get()});
  ASSERT_THAT(b->started, ElementsAre(1));
  const auto c = process("c");
  live(5s, {b.get(), c.get()});
  store_.erase();
  live(20s, {b.get(), c.get()});
  EXPECT_TRUE(b->may_write());
  EXPECT_EQ(store_.holder(), "b");
  EXPECT_EQ(store_.transitions(), 1);
  EXPECT_TRUE(c->started.empty());
}

TEST_F(LeaderTest, AStandbyWaitsForTheHolderItKnewOfADeletedLease) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(5s, {a.get(), b.get()});
  store_.erase();
  live(14s, {b.get()});  // a is paused
  EXPECT_FALSE(b->may_write());
  EXPECT_EQ(store_.holder(), "a") << "put back in its holder's name";
  live(14s, {b.get()});
  EXPECT_THAT(b->started, ElementsAre(1)) << "one above what it had seen";
}

TEST_F(LeaderTest, TheEpochIsRaisedAboveWhatAWorkerReports) {
  const auto a = process("a");
  live(1s, {a.get()});
  std::vector<bool> answers;
  a->elector().raise_epoch(7, [&](bool ok) { answers.push_back(ok); });
  a->elector().raise_epoch(5, [&](bool ok) { answers.push_back(ok); });
  live(200ms, {a.get()});
  EXPECT_THAT(answers, ElementsAre(true, true));
  EXPECT_EQ(a->elector().epoch(), 8);
  EXPECT_EQ(store_.transitions(), 8);
  a->elector().raise_epoch(7, [&](bool ok) { answers.push_back(ok); });
  live(200ms, {a.get()});
  EXPECT_THAT(answers, ElementsAre(true, true, true));
  EXPECT_EQ(store_.transitions(), 8);
}

TEST_F(LeaderTest, AnEpochRaisedDuringARenewalIsRaisedByTheNext) {
  const auto a = process("a");
  live(1s, {a.get()});
  delay_ = [](const http::Request&) { return Delay{100ms, 1s}; };
  live(2s, {a.get()});
  std::vector<bool> answers;
  a->elector().raise_epoch(3, [&](bool ok) { answers.push_back(ok); });
  live(3s, {a.get()});
  EXPECT_THAT(answers, ElementsAre(true));
  EXPECT_EQ(store_.transitions(), 4);
}

TEST_F(LeaderTest, RaisingFailsForAStandbyForNonsenseAndWhenTheLeaseIsGone) {
  const auto a = process("a");
  live(1s, {a.get()});
  const auto b = process("b");
  live(5s, {a.get(), b.get()});
  std::vector<bool> answers;
  const auto note = [&](bool ok) { answers.push_back(ok); };
  b->elector().raise_epoch(3, note);
  a->elector().raise_epoch(std::int64_t{1} << 40, note);
  live(100ms, {a.get(), b.get()});
  EXPECT_THAT(answers, ElementsAre(false, false));
  delay_ = [](const http::Request&) { return Delay{0s, 0s, false, true}; };
  a->elector().raise_epoch(3, note);
  live(1s, {a.get(), b.get()});
  EXPECT_THAT(answers, ElementsAre(false, false, false));
  EXPECT_EQ(a->elector().epoch(), 0);
}

TEST_F(LeaderTest, ALeaseWithoutOrWithABrokenSpecIsTaken) {
  http::Request post;
  post.method = "POST";
  post.body = R"({"metadata": {"name": "operator", "namespace": "berth"}, "spec": [1]})";
  store_.handle(post);
  const auto a = process("a");
  live(1s, {a.get()});
  EXPECT_TRUE(a->may_write());
  EXPECT_THAT(a->started, ElementsAre(1));
}

TEST(LeaseRecord, ReadsLeniently) {
  const LeaseRecord wild = LeaseRecord::read(
      *parse_json(R"({"spec": {"holderIdentity": "x", "leaseDurationSeconds": 99999999,
                       "leaseTransitions": -4}})"),
      15s);
  EXPECT_EQ(wild.holder, "x");
  EXPECT_EQ(wild.duration, Duration(1h));
  EXPECT_EQ(wild.transitions, 0);
  EXPECT_EQ(LeaseRecord::read(Json(), 15s).duration, Duration(15s));
}

TEST(LeaderSettings, AreCheckedAgainstEachOther) {
  LeaderSettings s;
  s.ns = "n";
  s.name = "l";
  s.identity = "i";
  EXPECT_TRUE(s.check());
  s.lease = 10s;
  EXPECT_EQ(s.check().error().field, "leaderElection.lease");
  s.lease = 15s;
  s.renew_deadline = 2400ms;
  EXPECT_EQ(s.check().error().field, "leaderElection.renewDeadline");
  s.renew_deadline = 10s;
  s.retry = 0s;
  EXPECT_EQ(s.check().error().field, "leaderElection.retry");
  s.identity.clear();
  EXPECT_FALSE(s.check());
}

}  // namespace
}  // namespace berth::kube
