#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PlacingTest : public GatewayTest {
 protected:
  std::uint64_t only_held(const std::string& method) {
    const auto held = net_.held(method);
    EXPECT_EQ(held.size(), 1U) << method;
    return held.empty() ? 0 : held[0];
  }
  std::size_t sessions() {
    std::size_t count = 0;
    for (const char* name : {"w1", "w2"}) {
      count += net_.worker(name).sessions.size();
    }
    return count;
  }
};

TEST_F(PlacingTest, AWorkerThatRefusesIsFollowedByTheNext) {
  add_worker("w1", 2);
  add_worker("w2", 4);
  // Somebody else fills w1 behind our back.
  net_.worker("w1").sessions["x"].resources = {{api::kSlot, 2}};
  const auto call = create("s1");
  EXPECT_EQ(worker_of(call), "w2");
  EXPECT_EQ(net_.worker("w1").refusals, 1);
  EXPECT_EQ(worker_of(create("s2")), "w2") << "w1 is passed over for a while";
  EXPECT_EQ(net_.worker("w1").refusals, 1);
}

TEST_F(PlacingTest, WhenAllRefuseTheRequestWaitsAtItsPlace) {
  add_worker("w1", 1);
  net_.worker("w1").sessions["x"].resources = {{api::kSlot, 1}};
  const auto first = create("s1");
  const auto second = create("s2");
  EXPECT_FALSE(first->answered());
  net_.worker("w1").sessions.clear();
  loop_.advance(seconds(1));
  EXPECT_EQ(first->status(), 201);
  EXPECT_FALSE(second->answered());
}

TEST_F(PlacingTest, ACordonedOrRetiredWorkerGetsNone) {
  add_worker("w1", 2);
  net_.worker("w1").set_state(api::WorkerState::kCordoned);
  net_.tell_news();
  loop_.run_ready();
  const auto call = create("s1");
  EXPECT_FALSE(call->answered());
  net_.worker("w1").set_state(api::WorkerState::kActive);
  net_.tell_news();
  loop_.run_ready();
  EXPECT_EQ(call->status(), 201);
}

TEST_F(PlacingTest, AWorkerThatCannotBeReadCountsAsFull) {
  add_worker("w1", 2);
  net_.worker("w1").reachable = false;
  net_.tell_news();
  loop_.run_ready();
  const int before = net_.sent("POST");
  const auto call = create("s1");
  EXPECT_FALSE(call->answered());
  EXPECT_EQ(net_.sent("POST"), before) << "it is not even asked";
  net_.worker("w1").reachable = true;
  loop_.advance(seconds(8));
  EXPECT_EQ(call->status(), 201);
}

TEST_F(PlacingTest, AnotherPodBehindTheAddressIsNotOurWorker) {
  add_worker("w1", 1);
  add_worker("w2", 4);
  net_.worker("w1").address_taken_by("uid-of-a-stranger");
  const auto call = create("s1");
  EXPECT_EQ(worker_of(call), "w2");
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
}

TEST_F(PlacingTest, ARequestAtFaultIsToldByTheWorkerAndNotTriedElsewhere) {
  add_worker("w1", 2);
  add_worker("w2", 4);
  net_.worker("w1").sessions["s1"].token_hash = auth::sha256_hex("another");
  const auto call = create("s1");
  EXPECT_EQ(call->status(), 409);
  EXPECT_EQ(call->code(), "SessionIdTaken");
  EXPECT_EQ(net_.sent("POST"), 1);
}

TEST_F(PlacingTest, ALostAnswerIsAskedForAgainAtTheSameWorker) {
  add_worker("w1", 2);
  add_worker("w2", 4);
  net_.hold("POST");
  const auto call = create("s1");
  net_.let_go("POST");
  net_.carry_out_and_lose(only_held("POST"));
  loop_.advance(milliseconds(100));
  EXPECT_EQ(call->status(), 200);
  EXPECT_EQ(worker_of(call), "w1");
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(PlacingTest, ALostRequestIsRepeatedToo) {
  add_worker("w1", 2);
  net_.hold("POST");
  const auto call = create("s1");
  net_.let_go("POST");
  net_.lose(only_held("POST"));
  loop_.advance(milliseconds(100));
  EXPECT_EQ(call->status(), 201);
}

TEST_F(PlacingTest, WithoutAHashALostSessionIsGivenBackAndOpenedElsewhere) {
  add_worker("w1", 2);
  add_worker("w2", 4);
  net_.hold("POST");
  const auto call = create("s1", {{"tokenHash", nullptr}});
  net_.let_go("POST");
  net_.carry_out_and_lose(only_held("POST"));
  loop_.advance(milliseconds(100));
  EXPECT_EQ(call->status(), 201);
  EXPECT_EQ(worker_of(call), "w2");
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
}

TEST_F(PlacingTest, AWorkerThatDoesNotAnswerInTimeIsLeftAndItsSessionGivenBack) {
  add_worker("w1", 2);
  add_worker("w2", 4);
  net_.hold("POST");
  const auto call = create("s1");
  const auto first = only_held("POST");
  (void)net_.worker("w1").handle(net_.call(first).request);  // it acted, and then it stalled
  net_.let_go("POST");
  loop_.advance(seconds(3));
  EXPECT_EQ(worker_of(call), "w2");
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(PlacingTest, ACallerGoneWhileTheCreateIsOnItsWayGivesTheSlotBack) {
  add_worker("w1", 1);
  net_.hold("POST");
  const auto call = create("s1");
  call->client_leaves();
  net_.carry_out(only_held("POST"));
  loop_.run_ready();
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
  EXPECT_EQ(net_.sent("DELETE"), 1);
  EXPECT_EQ(gateway_->creator().open_requests(), 0U);
}

TEST_F(PlacingTest, ACallerBackBeforeTheAnswerGetsIt) {
  add_worker("w1", 1);
  net_.hold("POST");
  const auto lost = create("s1");
  lost->client_leaves();
  const auto again = create("s1");
  net_.carry_out(only_held("POST"));
  loop_.run_ready();
  EXPECT_EQ(again->status(), 201);
  EXPECT_EQ(net_.worker("w1").sessions.size(), 1U);
  EXPECT_EQ(net_.sent("DELETE"), 0);
}

TEST_F(PlacingTest, AnAnswerThatDidNotReachItsCallerGivesTheSlotBack) {
  add_worker("w1", 1);
  const auto call = create("s1");
  ASSERT_EQ(call->status(), 201);
  call->client_leaves();
  loop_.run_ready();
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
}

TEST_F(PlacingTest, AnAnswerThatWasWrittenKeepsTheSession) {
  add_worker("w1", 1);
  const auto call = create("s1");
  call->written();
  call->client_leaves();
  loop_.run_ready();
  EXPECT_EQ(net_.worker("w1").sessions.size(), 1U);
}

TEST_F(PlacingTest, ARepeatAfterALostAnswerFindsTheSessionAndNotATwin) {
  add_worker("w1", 4);
  add_worker("w2", 4);
  create("s1")->written();
  for (int i = 0; i < 3; ++i) {
    create("fill" + std::to_string(i));  // w1 is full now: a fresh placement would go to w2
  }
  const auto again = create("s1");
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(worker_of(again), "w1");
  EXPECT_TRUE(net_.worker("w2").sessions.empty());
}

TEST_F(PlacingTest, ARepeatClaimsTheSessionFromAGiveBackOnItsWay) {
  add_worker("w1", 1);
  net_.hold("DELETE");
  const auto lost = create("s1");
  lost->client_leaves();
  loop_.run_ready();
  const auto again = create("s1");
  EXPECT_EQ(again->status(), 200);
  net_.carry_out(only_held("DELETE"));
  loop_.run_ready();
  EXPECT_EQ(net_.worker("w1").sessions.size(), 1U) << "the later attempt owns it";
  EXPECT_EQ(gateway_->give_back().pending(), 0U);
}

TEST_F(PlacingTest, ARetryAfterTheGiveBackGetsASessionAgain) {
  add_worker("w1", 1);
  create("s1")->client_leaves();
  loop_.run_ready();
  const auto again = create("s1");
  EXPECT_EQ(again->status(), 201);
  EXPECT_EQ(net_.worker("w1").sessions.size(), 1U);
}

TEST_F(PlacingTest, TheCreationTimeoutHoldsWhileTheCreateIsOnItsWay) {
  add_worker("w1", 1);
  net_.hold("POST");
  const auto call = create("s1", {{"creationTimeout", "1s"}});
  loop_.advance(seconds(1));
  EXPECT_EQ(call->code(), "CreationTimeout");
  net_.carry_out(only_held("POST"));
  loop_.run_ready();
  EXPECT_TRUE(net_.worker("w1").sessions.empty()) << "given back";
  EXPECT_EQ(gateway_->creator().open_requests(), 0U);
}

TEST_F(PlacingTest, ACallerGoneWhileOneWorkerRefusesStillHasItsPlace) {
  add_worker("w1", 1);
  net_.worker("w1").sessions["x"].resources = {{api::kSlot, 1}};
  net_.hold("POST");
  const auto lost = create("s1");
  lost->client_leaves();
  net_.carry_out(only_held("POST"));
  loop_.run_ready();
  EXPECT_EQ(waiting(), 1U);
  net_.let_go("POST");
  const auto again = create("s1");
  net_.worker("w1").sessions.clear();
  loop_.advance(seconds(1));
  EXPECT_EQ(again->status(), 201);
}

TEST_F(PlacingTest, AGiveBackIsRepeatedUntilTheWorkerAnswers) {
  add_worker("w1", 1);
  const auto call = create("s1");
  net_.worker("w1").reachable = false;
  call->client_leaves();
  loop_.advance(seconds(5));
  EXPECT_GT(net_.sent("DELETE"), 2);
  EXPECT_EQ(gateway_->give_back().pending(), 1U);
  net_.worker("w1").reachable = true;
  loop_.advance(seconds(5));
  EXPECT_EQ(gateway_->give_back().pending(), 0U);
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
}

TEST_F(PlacingTest, AGiveBackStopsWhenTheLeaseMustBeOver) {
  add_worker("w1", 1);
  const auto call = create("s1", {{"heartbeatTimeout", "10s"}});
  net_.worker("w1").reachable = false;
  call->client_leaves();
  loop_.advance(seconds(10));
  EXPECT_EQ(gateway_->give_back().pending(), 0U);
}

TEST_F(PlacingTest, ARecreateGoesToTheWorkerOfItsTokenAndNoOther) {
  add_worker("w1", 4);
  add_worker("w2", 4);
  const auto call = create("s2", {{"recreateToken", "w2.uid-w2.s1.abcdef"}});
  EXPECT_EQ(call->status(), 201);
  EXPECT_EQ(worker_of(call), "w2");
  net_.worker("w2").set_state(api::WorkerState::kRetired);
  const auto refused = create("s3", {{"recreateToken", "w2.uid-w2.s2.abcdef"}});
  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(refused->code(), "Cordoned");
}

TEST_F(PlacingTest, ARecreateOnAWorkerThatIsGoneIsRefusedAtOnce) {
  add_worker("w1", 4);
  const auto gone = create("s2", {{"recreateToken", "w9.uid-w9.s1.abcdef"}});
  EXPECT_EQ(gone->status(), 410);
  EXPECT_EQ(gone->code(), "WorkerGone");
  EXPECT_EQ(create("s3", {{"recreateToken", "nonsense"}})->status(), 400);
}

TEST_F(PlacingTest, ARecreateDoesNotReachIntoAnotherPool) {
  add_pool("other", 2);
  add_worker("w1", 2, {}, "other");
  EXPECT_EQ(create("s2", {{"recreateToken", "w1.uid-w1.s1.abcdef"}})->code(), "WorkerGone");
}

}  // namespace
}  // namespace berth::gateway::testing
