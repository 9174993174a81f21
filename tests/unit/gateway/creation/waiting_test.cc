#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WaitingTest : public GatewayTest {};

TEST_F(WaitingTest, AFreeSlotIsGivenAtOnceWithTheWorkersOwnAnswer) {
  add_worker("w1");
  const auto call = create("s1");
  EXPECT_EQ(call->status(), 201);
  EXPECT_EQ(get_string(call->body(), "id"), "s1");
  EXPECT_EQ(worker_of(call), "w1");
  EXPECT_EQ(net_.worker("w1").sessions.at("s1").owner, "dev");
}

TEST_F(WaitingTest, AnIdIsMadeForWhoBringsNone) {
  add_worker("w1");
  const auto call = create("", {{"tokenHash", nullptr}});
  EXPECT_EQ(call->status(), 201);
  EXPECT_EQ(get_string(call->body(), "id")->size(), 20U);
}

TEST_F(WaitingTest, AClientCannotNameItsOwnerOrAttempt) {
  add_worker("w1");
  create("s1", {{"owner", "somebody else"}, {"attempt", "a"}});
  EXPECT_EQ(net_.worker("w1").sessions.at("s1").owner, "dev");
  EXPECT_FALSE(net_.worker("w1").sessions.at("s1").attempts.contains("a"));
}

TEST_F(WaitingTest, AFreedSlotGoesToWhoCameFirst) {
  add_worker("w1", 1);
  create("s0");
  const auto first = create("s1");
  const auto second = create("s2");
  EXPECT_FALSE(first->answered());
  EXPECT_EQ(waiting(), 2U);
  end_session("w1", "s0");
  EXPECT_EQ(first->status(), 201);
  EXPECT_FALSE(second->answered());
  end_session("w1", "s1");
  EXPECT_EQ(second->status(), 201);
  EXPECT_EQ(net_.worker("w1").most_sessions, 1U);
}

TEST_F(WaitingTest, ANewWorkerServesThoseWhoWait) {
  const auto call = create("s1");
  EXPECT_FALSE(call->answered());
  add_worker("w1");
  EXPECT_EQ(call->status(), 201);
}

TEST_F(WaitingTest, ANewcomerDoesNotOvertake) {
  add_worker("w1", 1);
  create("s0");
  const auto first = create("s1");
  net_.hold("POST");
  end_session("w1", "s0");
  const auto late = create("s2");
  ASSERT_EQ(net_.held("POST").size(), 1U);
  net_.carry_out(net_.held("POST")[0]);
  loop_.run_ready();
  EXPECT_EQ(first->status(), 201);
  EXPECT_FALSE(late->answered());
}

TEST_F(WaitingTest, After25SecondsItAnswersStillWaitingWithTheId) {
  const auto call = create("", {{"tokenHash", nullptr}});
  loop_.advance(seconds(25) - milliseconds(1));
  EXPECT_FALSE(call->answered());
  loop_.advance(milliseconds(1));
  EXPECT_EQ(call->status(), 503);
  EXPECT_EQ(call->code(), "StillWaiting");
  EXPECT_EQ(get_string(call->body(), "id")->size(), 20U);
  EXPECT_EQ(waiting(), 1U) << "the place is kept";
}

TEST_F(WaitingTest, ThePlaceIsKeptFiveSecondsForTheNextCall) {
  add_worker("w1", 1);
  create("s0");
  create("s1");
  const auto behind = create("s2", {{"creationTimeout", "10m"}});
  loop_.advance(seconds(25));
  const auto behind2 = create("s2", {{"creationTimeout", "10m"}});
  loop_.advance(seconds(5) - milliseconds(1));
  const auto again = create("s1");
  end_session("w1", "s0");
  EXPECT_EQ(again->status(), 201) << "it stands before s2 as before";
  EXPECT_FALSE(behind2->answered());
  EXPECT_EQ(behind->code(), "StillWaiting");
}

TEST_F(WaitingTest, AfterFiveSecondsThePlaceIsLost) {
  add_worker("w1", 1);
  create("s0");
  create("s1");
  loop_.advance(seconds(25));
  EXPECT_EQ(waiting(), 1U);
  loop_.advance(seconds(5));
  EXPECT_EQ(waiting(), 0U);
  const auto other = create("s2");
  const auto again = create("s1");
  end_session("w1", "s0");
  EXPECT_EQ(other->status(), 201);
  EXPECT_FALSE(again->answered());
}

TEST_F(WaitingTest, ASlotIsNotGivenToAnAbsentCaller) {
  add_worker("w1", 1);
  create("s0");
  const auto first = create("s1");
  const auto second = create("s2");
  first->client_leaves();
  end_session("w1", "s0");
  EXPECT_EQ(second->status(), 201);
  EXPECT_FALSE(net_.worker("w1").sessions.contains("s1"));
}

TEST_F(WaitingTest, ACallerWhoseConnectionBrokeKeepsItsPlaceFiveSeconds) {
  add_worker("w1", 1);
  create("s0");
  const auto lost = create("s1");
  const auto second = create("s2");
  lost->client_leaves();
  loop_.advance(seconds(4));
  const auto again = create("s1");
  end_session("w1", "s0");
  EXPECT_EQ(again->status(), 201);
  EXPECT_FALSE(second->answered());
}

TEST_F(WaitingTest, TheCreationTimeoutEndsTheWaitExactly) {
  const auto call = create("s1", {{"creationTimeout", "3s"}});
  loop_.advance(seconds(3) - milliseconds(1));
  EXPECT_FALSE(call->answered());
  loop_.advance(milliseconds(1));
  EXPECT_EQ(call->status(), 504);
  EXPECT_EQ(call->code(), "CreationTimeout");
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(gateway_->creator().open_requests(), 0U);
}

TEST_F(WaitingTest, TheCreationTimeoutRunsOverSeveralCalls) {
  create("s1", {{"creationTimeout", "40s"}});
  loop_.advance(seconds(25));
  const auto second = create("s1", {{"creationTimeout", "15s"}});
  loop_.advance(seconds(15) - milliseconds(1));
  EXPECT_FALSE(second->answered());
  loop_.advance(milliseconds(1));
  EXPECT_EQ(second->code(), "CreationTimeout");
}

TEST_F(WaitingTest, ThePoolsDefaultCreationTimeoutHoldsWhenNoneIsAsked) {
  create("s1");
  loop_.advance(seconds(25));
  create("s1", {{"creationTimeout", "35s"}});
  loop_.advance(seconds(25));
  const auto last = create("s1", {{"creationTimeout", "10s"}});
  loop_.advance(seconds(10));
  EXPECT_EQ(last->code(), "CreationTimeout");
}

TEST_F(WaitingTest, NoCreationTimeoutAtAllMeansNowOrNever) {
  const auto call = create("s1", {{"creationTimeout", "0s"}});
  loop_.advance(milliseconds(0));
  EXPECT_EQ(call->code(), "CreationTimeout");
  add_worker("w1");
  EXPECT_EQ(create("s2", {{"creationTimeout", "1ms"}})->status(), 201);
}

TEST_F(WaitingTest, TheNewerOfTwoCallsWithOneIdTakesOver) {
  const auto older = create("s1");
  const auto newer = create("s1");
  EXPECT_EQ(older->status(), 409);
  EXPECT_EQ(older->code(), "Superseded");
  add_worker("w1");
  EXPECT_EQ(newer->status(), 201);
  EXPECT_EQ(net_.worker("w1").sessions.size(), 1U);
}

TEST_F(WaitingTest, AnIdThatWaitsIsNotTakenOverByAnotherToken) {
  const auto first = create("s1");
  const auto thief = create("s1", {{"tokenHash", auth::sha256_hex("mine")}});
  EXPECT_EQ(thief->status(), 409);
  EXPECT_EQ(thief->code(), "IdInUse");
  EXPECT_FALSE(first->answered());
}

TEST_F(WaitingTest, AFullLineRefusesAndSaysWhenToComeBack) {
  Gateway::Settings settings;
  settings.creation.line.max_per_shape = 1;
  start(settings);
  create("s1");
  const auto refused = create("s2");
  EXPECT_EQ(refused->status(), 429);
  EXPECT_EQ(refused->code(), "LineFull");
  EXPECT_TRUE(refused->answer()->headers.has("Retry-After"));
}

TEST_F(WaitingTest, ShapesThatDoNotCompeteDoNotBlockEachOther) {
  add_pool("mixed", 2, {{"gpu", 1}});
  add_worker("plain", 2, {}, "mixed");
  const auto gpu = create("g1", {{"resources", {{"gpu", 1}}}}, "mixed");
  EXPECT_FALSE(gpu->answered());
  EXPECT_EQ(create("p1", Json::object(), "mixed")->status(), 201);
  add_worker("with-gpu", 2, {{"gpu", 1}}, "mixed");
  EXPECT_EQ(worker_of(gpu), "with-gpu");
}

TEST_F(WaitingTest, PackedFillsOneWorkerSpreadUsesAll) {
  add_pool("spread", 4, {}, api::Placement::kSpread);
  add_worker("a", 4);
  add_worker("b", 4);
  add_worker("c", 4, {}, "spread");
  add_worker("d", 4, {}, "spread");
  EXPECT_EQ(worker_of(create("p1")), "a");
  EXPECT_EQ(worker_of(create("p2")), "a");
  EXPECT_EQ(worker_of(create("q1", Json::object(), "spread")), "c");
  EXPECT_EQ(worker_of(create("q2", Json::object(), "spread")), "d");
}

TEST_F(WaitingTest, ThoseWhoWaitForADeletedPoolAreTold) {
  const auto call = create("s1");
  gateway_->set_pool(kPool, nullptr);
  EXPECT_EQ(call->status(), 404);
  EXPECT_EQ(call->code(), "UnknownPool");
}

TEST_F(WaitingTest, AnUnknownPoolNamesTheOnesThereAre) {
  add_pool("other", 1);
  const auto call = create("s1", Json::object(), "nope");
  EXPECT_EQ(call->status(), 404);
  const std::string message = *get_string(call->body(), "message");
  EXPECT_NE(message.find("default/files, default/other"), std::string::npos) << message;
}

TEST_F(WaitingTest, ATimeoutThatThePoolDoesNotAllowIsToldInTheWorkersOwnWords) {
  const auto message = [this](const char* field, const char* asked) {
    const auto call = create("s1", {{field, asked}});
    EXPECT_EQ(call->status(), 400);
    EXPECT_EQ(get_string(call->body(), "field"), field);
    return get_string(call->body(), "message").value_or("");
  };
  EXPECT_EQ(message("heartbeatTimeout", "0s"), "must be between 1s and 10m in this pool, is 0s");
  EXPECT_EQ(message("heartbeatTimeout", "11m"), "must be between 1s and 10m in this pool, is 11m");
  EXPECT_EQ(message("executionTimeout", "999ms"),
            "must be between 1s and 24h in this pool, is 999ms");
  EXPECT_EQ(message("creationTimeout", "2h"), "must be at most 1h in this pool, is 2h");
}

TEST_F(WaitingTest, AResourceThatNoWorkerCanEverHaveIsNamed) {
  add_pool("gpus", 2, {{"gpu", 1}});
  const auto unknown = create("s1", {{"resources", {{"fpga", 1}}}}, "gpus");
  EXPECT_EQ(unknown->status(), 400);
  EXPECT_EQ(get_string(unknown->body(), "field"), "resources.fpga");
  const auto too_much = create("s2", {{"resources", {{"gpu", 2}}}}, "gpus");
  EXPECT_EQ(too_much->status(), 400);
  EXPECT_EQ(get_string(too_much->body(), "field"), "resources.gpu");
}

TEST_F(WaitingTest, TimeoutsBeyondThePoolsLimitsAreNamed) {
  for (const auto& [field, value] : std::map<std::string, std::string>{
           {"creationTimeout", "2h"}, {"executionTimeout", "48h"}, {"heartbeatTimeout", "11m"}}) {
    const auto call = create("s1", {{field, value}});
    EXPECT_EQ(call->status(), 400);
    EXPECT_EQ(get_string(call->body(), "field"), field);
  }
}

TEST_F(WaitingTest, ABrokenBodyIsRefused) {
  const std::string path = "/v1/namespaces/default/pools/files/sessions";
  EXPECT_EQ(call("POST", path, "{")->status(), 400);
  EXPECT_EQ(call("POST", path, R"({"colour":"red"})")->status(), 400);
  EXPECT_EQ(call("POST", path, R"({"id":"../up"})")->status(), 400);
  EXPECT_EQ(gateway_->creator().open_requests(), 0U);
}

TEST_F(WaitingTest, StoppingSendsEveryoneWhoWaitsAway) {
  const auto waits = create("s1");
  bool stopped = false;
  gateway_->shut_down(seconds(10), [&] { stopped = true; });
  EXPECT_EQ(waits->status(), 503);
  EXPECT_EQ(waits->code(), "ShuttingDown");
  const auto late = create("s2");
  EXPECT_EQ(late->code(), "ShuttingDown");
  EXPECT_EQ(late->answer()->headers.get("Connection"), "close");
  EXPECT_TRUE(stopped);
}

TEST_F(WaitingTest, StoppingWaitsForACreateOnItsWay) {
  add_worker("w1");
  net_.hold("POST");
  const auto call = create("s1");
  bool stopped = false;
  gateway_->shut_down(seconds(10), [&] { stopped = true; });
  loop_.run_ready();
  EXPECT_FALSE(stopped);
  net_.carry_out(net_.held("POST")[0]);
  loop_.run_ready();
  EXPECT_EQ(call->status(), 201);
  EXPECT_TRUE(stopped);
}

TEST_F(WaitingTest, WhoHangsUpAtItsCreationTimeoutHasTimedOutAndWhoGoesBeforeHasLeft) {
  const auto count = [&](const std::string& outcome) {
    const std::string series =
        "berth_gateway_session_requests_total{namespace=\"default\",outcome=\"" + outcome +
        "\",pool=\"files\"} ";
    const std::string text = metrics_.text();
    const auto at = text.find(series);
    return at == std::string::npos
               ? std::string("none")
               : text.substr(at + series.size(), text.find('\n', at) - at - series.size());
  };
  EXPECT_EQ(count("creation_timeout"), "0");
  EXPECT_EQ(count("caller_gone"), "0");
  // A client's clock starts before ours: it hangs up just before we would answer.
  const auto waited = create("s1", {{"creationTimeout", "20s"}});
  const auto impatient = create("s2", {{"creationTimeout", "20s"}});
  loop_.advance(seconds(17));
  impatient->client_leaves();
  loop_.advance(seconds(3) - milliseconds(50));
  waited->client_leaves();
  loop_.advance(seconds(10));
  EXPECT_EQ(count("creation_timeout"), "1");
  EXPECT_EQ(count("caller_gone"), "1");
}

TEST_F(WaitingTest, WhoIsToldToWaitOnAndHasNoTimeLeftHasTimedOut) {
  create("s1", {{"creationTimeout", "25200ms"}});
  loop_.advance(seconds(40));
  EXPECT_NE(metrics_.text().find("outcome=\"creation_timeout\",pool=\"files\"} 1"),
            std::string::npos);
}

TEST_F(WaitingTest, TheOldestWaitIsAsOldAsTheQuestion) {
  const auto oldest = [&](const std::string& value) {
    return metrics_.text().find(
               "berth_gateway_oldest_wait_seconds{namespace=\"default\",pool=\"files\"} " + value +
               "\n") != std::string::npos;
  };
  EXPECT_TRUE(oldest("0"));
  create("s1");
  loop_.advance(seconds(3));
  create("s2");
  loop_.advance(seconds(4));
  EXPECT_TRUE(oldest("7"));
  add_worker("w1");
  EXPECT_TRUE(oldest("0"));
  gateway_->set_pool(kPool, nullptr);
  EXPECT_EQ(metrics_.text().find("berth_gateway_oldest_wait_seconds{"), std::string::npos);
}

TEST_F(WaitingTest, CountsHowRequestsEnd) {
  add_worker("w1", 1);
  create("s0");
  const auto gone = create("s1", {{"creationTimeout", "1s"}});
  create("s2", Json::object(), "nope");
  loop_.advance(seconds(1));
  const std::string text = metrics_.text();
  const auto has = [&](const std::string& line) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  };
  has("berth_gateway_session_requests_total{namespace=\"default\",outcome=\"created\",pool="
      "\"files\"} 1");
  has("outcome=\"creation_timeout\",pool=\"files\"} 1");
  has("berth_gateway_session_requests_total{namespace=\"\",outcome=\"unknown_pool\",pool=\"\"} 1");
  has("berth_gateway_sessions_waiting{namespace=\"default\",pool=\"files\"} 0");
  has("berth_gateway_session_creation_seconds_count 1");
}

}  // namespace
}  // namespace berth::gateway::testing
