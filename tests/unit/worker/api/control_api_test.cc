#include "berth/auth/control_token.h"
#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

class SlotsPollTest : public ServiceTest {
 protected:
  std::shared_ptr<FakeExchange> poll(std::int64_t after, const std::string& incarnation = "inc-1",
                                     const std::string& wait = "25") {
    return get("/v1/slots?incarnation=" + incarnation + "&after=" + std::to_string(after) +
               "&wait=" + wait);
  }
  std::int64_t version() { return slots()["version"]; }
  /// One session open, two more fit; everything told.
  void settle_with_one_open() {
    open("first");
    loop_.advance(1s);
  }
};

TEST_F(SlotsPollTest, AnotherIncarnationIsAnsweredAtOnce) {
  EXPECT_TRUE(poll(version(), "old")->answered());
  EXPECT_TRUE(get("/v1/slots?wait=25")->answered());
}

TEST_F(SlotsPollTest, AnOlderVersionIsAnsweredAtOnceAndTheNewestWaits) {
  EXPECT_TRUE(poll(version() - 1)->answered());
  EXPECT_FALSE(poll(version())->answered());
}

TEST_F(SlotsPollTest, AWaitThatIsOverIsAnsweredWithTheUnchangedSlots) {
  const auto p = poll(version());
  loop_.advance(25s);
  ASSERT_TRUE(p->answered());
  EXPECT_EQ(p->body()["version"], version());
}

TEST_F(SlotsPollTest, ShortSessionsOnAnEmptyWorkerCostFiftyAnswersASecond) {
  int answers = 0;
  for (int i = 0; i < 500; ++i) {  // One every 2 ms.
    const auto p = poll(version());
    const std::string id = "s" + std::to_string(i);
    open(id);
    remove(path(id), token(id));
    loop_.advance(2ms);
    answers += p->answered() ? 1 : 0;
  }
  EXPECT_LE(answers, 50);
  EXPECT_GE(answers, 45);
}

TEST_F(SlotsPollTest, OtherChangesAreGatheredForTwentyMilliseconds) {
  settle_with_one_open();
  const auto p = poll(version());
  open("s2");
  start("s2", "a");
  EXPECT_FALSE(p->answered());
  loop_.advance(20ms);
  ASSERT_TRUE(p->answered());
  EXPECT_EQ(p->body()["resources"]["session"]["used"], 2);
  EXPECT_EQ(p->body()["activities"], 1);
}

TEST_F(SlotsPollTest, APollThatComesBackInTheMeantimeWaitsForTheGatheredChangeToo) {
  settle_with_one_open();
  const auto before = version();
  open("s2");
  const auto p = poll(before);
  EXPECT_FALSE(p->answered());
  loop_.advance(20ms);
  EXPECT_TRUE(p->answered());
}

TEST_F(SlotsPollTest, FullAndFreeAgainAreToldAtOnce) {
  settle_with_one_open();
  open("s2");
  loop_.advance(1s);
  auto p = poll(version());
  open("s3");
  EXPECT_TRUE(p->answered());
  p = poll(version());
  remove(path("s3"), token("s3"));
  EXPECT_TRUE(p->answered());
}

TEST_F(SlotsPollTest, ATypedResourceThatRunsOutIsToldAtOnce) {
  settle_with_one_open();
  const auto p = poll(version());
  open("s2", {{"resources", {{"gpu", 1}}}});
  EXPECT_TRUE(p->answered());
}

TEST_F(SlotsPollTest, AChangeOfTheWorkersStateIsToldAtOnce) {
  const auto p = poll(version());
  post("/v1/cordon", {{"epoch", 1}});
  ASSERT_TRUE(p->answered());
  EXPECT_EQ(p->body()["state"], "Cordoned");
  EXPECT_EQ(p->body()["epoch"], 1);
}

TEST_F(SlotsPollTest, ACallerThatLeavesIsForgottenAlsoWhileItIsBeingAnswered) {
  poll(version())->leave();
  const auto p = poll(version());
  const auto late = p->leave_later();
  open("s1");
  loop_.advance(20ms);
  EXPECT_TRUE(p->answered());
  late();
  EXPECT_FALSE(poll(version())->answered());
}

TEST_F(SlotsPollTest, WaitingCallersAreBoundedAndTheLongestWaitingGoesFirst) {
  SlotsHub hub(loop_, *table_, {}, 2);
  std::vector<std::shared_ptr<FakeExchange>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(std::make_shared<FakeExchange>());
    hub.poll(calls.back(), "inc-1", table_->version(), 25s);
  }
  EXPECT_TRUE(calls[0]->answered());
  EXPECT_FALSE(calls[1]->answered());
  EXPECT_FALSE(calls[2]->answered());
  EXPECT_EQ(hub.waiting(), 2u);
}

TEST_F(SlotsPollTest, AChangeOfTheControlKeysIsToldToThoseWhoWait) {
  std::set<std::string> keys = {"k1"};
  SlotsHub hub(loop_, *table_, [&] { return keys; });
  const auto call = std::make_shared<FakeExchange>();
  hub.poll(call, "inc-1", table_->version(), 25s);
  ASSERT_FALSE(call->answered());
  keys = {"k1", "k2"};
  table_->touch();
  hub.changed();
  loop_.advance(SlotsHub::kGather);
  ASSERT_TRUE(call->answered());
  EXPECT_EQ(call->body()["keys"], Json({"k1", "k2"}));
}

TEST_F(SlotsPollTest, NoMoreThanSixteenKeysAreTold) {
  std::set<std::string> keys;
  for (int i = 0; i < 20; ++i) {
    keys.insert("k" + std::to_string(i));
  }
  SlotsHub hub(loop_, *table_, [&] { return keys; });
  const auto call = std::make_shared<FakeExchange>();
  hub.poll(call, "", 0, 0s);
  EXPECT_EQ(call->body()["keys"].size(), 16u);
}

TEST_F(ServiceTest, AStaleEpochIsRefusedWithTheHighestOne) {
  ASSERT_EQ(post("/v1/cordon", {{"epoch", 7}})->status(), 200);
  const auto e = post("/v1/uncordon", {{"epoch", 6}});
  EXPECT_EQ(e->status(), 409);
  EXPECT_EQ(e->code(), "StaleEpoch");
  EXPECT_EQ(e->body()["epoch"], 7);
}

TEST_F(ServiceTest, SwitchesWithoutAnEpochNameTheField) {
  EXPECT_EQ(post("/v1/cordon", Json::object())->body()["field"], "epoch");
  EXPECT_EQ(post("/v1/drain", {{"epoch", 1}})->body()["field"], "seconds");
  EXPECT_EQ(post("/v1/drain", {{"epoch", 1}, {"seconds", -1}})->body()["field"], "seconds");
}

TEST_F(ServiceTest, RetireAnswers409WithTheNumberOpenAndLater200EachTime) {
  open("s1");
  const auto busy = post("/v1/retire", Json::object());
  EXPECT_EQ(busy->status(), 409);
  EXPECT_EQ(busy->code(), "SessionsOpen");
  EXPECT_EQ(busy->body()["sessions"], 1);
  remove(path("s1"), token("s1"));
  EXPECT_EQ(post("/v1/retire", Json::object())->body()["state"], "Retired");
  EXPECT_EQ(post("/v1/retire", Json::object())->status(), 200);
  EXPECT_EQ(open("s2")->code(), "Retired");
}

TEST_F(ServiceTest, DrainEndsSessionsAtItsDeadlineAndCancelsTheirActivities) {
  open("s1", {{"heartbeatTimeout", "5m"}});
  start("s1", "a");
  ASSERT_EQ(post("/v1/drain", {{"epoch", 1}, {"seconds", 10}})->body()["state"], "Draining");
  loop_.advance(10s);
  EXPECT_EQ(executor_->runs.at("a")->cancels, std::vector<std::string>{"SessionEnded"});
  executor_->finish("a", api::ActivityState::kCancelled);
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["endReason"], "DrainDeadline");
}

class ControlAuthTest : public ServiceTest {
 protected:
  ControlAuthTest() {
    auto create = auth::SigningKey::generate(auth::Scope::kCreate, random_);
    auto operate = auth::SigningKey::generate(auth::Scope::kOperate, random_);
    EXPECT_TRUE(key_set_.load_jwks(auth::make_jwks({&*create, &*operate})));
    gateway_ = std::make_unique<auth::TokenSigner>(std::move(*create), "gateway/a", loop_.clock());
    operator_ =
        std::make_unique<auth::TokenSigner>(std::move(*operate), "operator/a", loop_.clock());
    keys_ = &key_set_;
    make();
  }
  auth::KeySet key_set_{"uid-1", loop_.clock()};
  std::unique_ptr<auth::TokenSigner> gateway_;
  std::unique_ptr<auth::TokenSigner> operator_;
};

TEST_F(ControlAuthTest, WithoutAControlTokenNothingIsDone) {
  EXPECT_EQ(post("/v1/sessions", {{"id", "s1"}})->status(), 401);
  for (const char* target : {"/v1/cordon", "/v1/uncordon", "/v1/drain", "/v1/retire"}) {
    EXPECT_EQ(post(target, {{"epoch", 1}})->status(), 401) << target;
  }
  EXPECT_EQ(get("/v1/slots")->status(), 401);
  EXPECT_EQ(get("/v1/sessions")->status(), 401);
  EXPECT_EQ(remove(path("s1", "?attempt=x"))->status(), 401);
  EXPECT_TRUE(ledger_.records.empty());
}

TEST_F(ControlAuthTest, TheGatewayOpensGivesBackAndReads) {
  const std::string t = gateway_->token("uid-1");
  EXPECT_EQ(post("/v1/sessions", {{"id", "s1"}, {"attempt", "n"}}, t)->status(), 201);
  EXPECT_EQ(get("/v1/slots", t)->status(), 200);
  EXPECT_EQ(get("/v1/sessions", t)->status(), 200);
  EXPECT_EQ(remove(path("s1", "?attempt=n"), t)->status(), 200);
}

TEST_F(ControlAuthTest, TheGatewaysKeyCannotCordonAndTheOperatorsCannotOpen) {
  for (const char* target : {"/v1/cordon", "/v1/uncordon", "/v1/drain", "/v1/retire"}) {
    EXPECT_EQ(post(target, {{"epoch", 1}}, gateway_->token("uid-1"))->status(), 403) << target;
  }
  const std::string t = operator_->token("uid-1");
  EXPECT_EQ(post("/v1/sessions", {{"id", "s1"}}, t)->status(), 403);
  EXPECT_EQ(get("/v1/slots", t)->status(), 200);
  EXPECT_EQ(post("/v1/cordon", {{"epoch", 1}}, t)->status(), 200);
}

TEST_F(ControlAuthTest, ATokenMadeOutToAnotherPodIsRefused) {
  const auto e = post("/v1/sessions", {{"id", "s1"}}, gateway_->token("uid-of-the-pod-before"));
  EXPECT_EQ(e->status(), 401);
  EXPECT_EQ(e->code(), "WrongAudience");
}

TEST_F(ControlAuthTest, AControlTokenIsNoSessionToken) {
  const std::string t = gateway_->token("uid-1");
  post("/v1/sessions", {{"id", "s1"}}, t);
  EXPECT_EQ(get(path("s1"), t)->status(), 403);
}

}  // namespace
}  // namespace berth::worker
