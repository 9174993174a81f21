#include "client/src/session.h"

#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

constexpr const char* kSession = "/v1/sessions/s1";
constexpr const char* kHeartbeat = "/v1/sessions/s1/heartbeat";

class SessionTest : public CoreTest {
 protected:
  void complete(Duration keep_for = Duration(0)) {
    session->complete(keep_for, [this](const auto& outcome) { completed.push_back(outcome); });
  }
  ClientError failure() const { return session->failure().value_or(ClientError()); }

  Core::SessionPtr session;
  std::vector<Outcome<std::monostate>> completed;
};

TEST_F(SessionTest, StaysOpenAsLongAsRenewalsAreAnswered) {
  session = open();
  keep_alive();
  loop.advance(minutes(10));
  EXPECT_EQ(session->state(), SessionState::kOpen);
  const auto renewals = transport.count("POST", kHeartbeat);
  EXPECT_GE(renewals, 89u);
  EXPECT_LE(renewals, 91u);
}

TEST_F(SessionTest, CallsCarryTheSessionsTokenStraightToTheWorker) {
  session = open();
  loop.advance(seconds(7));
  const auto call = transport.expect_request("POST", kHeartbeat);
  EXPECT_EQ(call->origin(), "http://10.0.0.2:8080");
  EXPECT_EQ(call->request().headers.get("Authorization"), "Bearer " + session->facts().token);
}

TEST_F(SessionTest, FromOutsideCallsGoThroughTheGateway) {
  options.direct = false;
  core = std::make_unique<Core>(Core::Parts{loop, transport, random, nullptr, door}, options);
  session = open();
  loop.advance(seconds(7));
  auto call = transport.expect_request(
      "POST", "/v1/namespaces/default/pools/files/workers/files-2/sessions/s1/heartbeat");
  EXPECT_EQ(call->origin(), "http://gw-a:7070");
  call->fail_connect();
  loop.advance(seconds(1));
  call = transport.expect_request();
  EXPECT_EQ(call->origin(), "http://gw-b:7070");
  // A gateway that does not know the worker (yet) is no word of the worker.
  call->answer(error_answer(410, "WorkerGone", "no worker files-2 any more"));
  loop.advance(seconds(1));
  EXPECT_EQ(session->state(), SessionState::kOpen);
  EXPECT_EQ(transport.waiting(), 1u);
}

class RouteTest : public SessionTest {
 protected:
  RouteTest() {
    options.direct.reset();
    core = std::make_unique<Core>(Core::Parts{loop, transport, random, nullptr, door}, options);
    session = open();
  }
  fakes::FakeTransport::CallPtr question() {
    auto call = transport.expect_request("GET", kSession);
    EXPECT_EQ(call->origin(), "http://10.0.0.2:8080");
    return call;
  }
};

TEST_F(RouteTest, AWorkerThatAnswersAtItsAddressIsCalledThere) {
  question()->answer(session_answer("s1", api::SessionState::kOpen));
  loop.advance(seconds(7));
  EXPECT_EQ(transport.expect_request("POST", kHeartbeat)->origin(), "http://10.0.0.2:8080");
}

TEST_F(RouteTest, AnAddressThatCannotBeReachedMeansThroughTheGatewayForGood) {
  question()->fail_connect();
  loop.advance(seconds(7));
  for (int i = 0; i < 2; ++i) {
    const auto call = transport.expect_request(
        "POST", "/v1/namespaces/default/pools/files/workers/files-2/sessions/s1/heartbeat");
    EXPECT_EQ(call->origin(), "http://gw-a:7070");
    call->answer(session_answer("s1", api::SessionState::kOpen));
    loop.advance(seconds(7));
  }
}

TEST_F(RouteTest, CallsWaitForTheRouteWhichIsKnownWithinASecond) {
  const auto unanswered = question();
  complete();
  loop.advance(milliseconds(999));
  EXPECT_EQ(transport.waiting(), 0u);
  loop.advance(milliseconds(1));
  transport
      .expect_request("DELETE", "/v1/namespaces/default/pools/files/workers/files-2/sessions/s1")
      ->answer(session_answer("s1", api::SessionState::kEnding));
  loop.run_ready();
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_TRUE(completed[0]);
}

TEST_F(RouteTest, ASessionLetGoOfBeforeTheRouteIsKnownAsksNobodyAnyMore) {
  session->abandon();
  loop.advance(seconds(2));
  EXPECT_EQ(transport.waiting(), 0u);
  EXPECT_EQ(transport.sent().size(), 2u) << "the creation and the question";
}

TEST_F(SessionTest, AWorkerThatRestartsWithinTheLeaseIsFoundAgain) {
  session = open();
  loop.advance(seconds(7));
  for (int i = 0; i < 8; ++i) {
    transport.expect_request("POST", kHeartbeat)->fail_connect();
    loop.advance(seconds(1));
  }
  transport.expect_request("POST", kHeartbeat)
      ->answer(session_answer("s1", api::SessionState::kOpen));
  loop.advance(milliseconds(1));
  keep_alive();
  loop.advance(minutes(1));
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(SessionTest, ASilentWorkerLosesTheSessionAfterTheHeartbeatTimeout) {
  session = open();
  loop.advance(seconds(20) - Duration(1));
  EXPECT_EQ(session->state(), SessionState::kOpen);
  loop.advance(Duration(1));
  EXPECT_EQ(session->state(), SessionState::kFailed);
  EXPECT_EQ(failure().kind, ErrorKind::kSessionFailed);
  EXPECT_EQ(failure().text(), "SessionFailed: worker files-2: no renewal was answered for 20s");
  EXPECT_TRUE(session->scope()->cancelled());
  EXPECT_FALSE(root->cancelled());
  EXPECT_TRUE(logged("session lost"));
}

TEST_F(SessionTest, AWorkerThatOnlyLostItsWayToUsIsToldGoodbye) {
  session = open();
  loop.advance(seconds(20));
  EXPECT_EQ(transport.count("DELETE", kSession), 1u);
  EXPECT_EQ(core->sessions(), 1u);
  loop.advance(options.call_timeout);
  EXPECT_EQ(core->sessions(), 0u);
}

TEST_F(SessionTest, AnEndedSessionIsLostAtOnceWithItsReason) {
  session = open();
  loop.advance(seconds(7));
  transport.expect_request("POST", kHeartbeat)->answer(error_answer(410, "SessionEnded", "over"));
  loop.run_ready();
  transport.expect_request("GET", kSession)
      ->answer(session_answer("s1", api::SessionState::kEnded, api::EndReason::kDrainDeadline));
  loop.run_ready();
  EXPECT_EQ(session->state(), SessionState::kFailed);
  EXPECT_EQ(failure().ended, api::EndReason::kDrainDeadline);
  EXPECT_EQ(core->sessions(), 0u);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(SessionTest, AReasonInTheRefusalItselfNeedsNoQuestion) {
  session = open();
  loop.advance(seconds(7));
  transport.expect_request("POST", kHeartbeat)
      ->answer(http::Response::json(
          410, R"({"code": "SessionEnded", "message": "over", "endReason": "IdleTimeout"})"));
  loop.run_ready();
  EXPECT_EQ(failure().ended, api::EndReason::kIdleTimeout);
  EXPECT_EQ(failure().text(), "SessionFailed: over (IdleTimeout)");
  EXPECT_EQ(transport.waiting(), 0u);
}

TEST_F(SessionTest, TheReasonIsNotWaitedForLong) {
  session = open();
  loop.advance(seconds(7));
  transport.expect_request("POST", kHeartbeat)->answer(error_answer(410, "SessionEnded", "over"));
  loop.advance(seconds(2));
  EXPECT_EQ(session->state(), SessionState::kFailed);
  EXPECT_FALSE(failure().ended);
}

TEST_F(SessionTest, ARenewalThatFindsItEndingTellsTheReasonItself) {
  session = open();
  loop.advance(seconds(7));
  transport.expect_request("POST", kHeartbeat)
      ->answer(session_answer("s1", api::SessionState::kEnding, api::EndReason::kWorkerShutdown));
  loop.run_ready();
  EXPECT_EQ(failure().ended, api::EndReason::kWorkerShutdown);
}

TEST_F(SessionTest, AWorkerThatDoesNotKnowItOrUsLosesItAtOnce) {
  for (const auto& [status, code] :
       {std::pair{404, "SessionNotFound"}, {403, "TokenMismatch"}, {401, "Unauthenticated"}}) {
    session = open();
    loop.advance(seconds(7));
    transport.expect_request("POST", kHeartbeat)->answer(error_answer(status, code, "no"));
    loop.run_ready();
    EXPECT_EQ(session->state(), SessionState::kFailed) << code;
  }
}

TEST_F(SessionTest, AStrangerAtTheAddressIsNoWordOfTheWorker) {
  session = open();
  loop.advance(seconds(7));
  transport.expect_request("POST", kHeartbeat)
      ->answer(http::Response::text(404, "<html>not found</html>"));
  loop.run_ready();
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(SessionTest, CompletingStopsRenewalsAndDeletes) {
  session = open();
  complete();
  EXPECT_EQ(session->state(), SessionState::kClosed);
  transport.expect_request("DELETE", kSession)->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_TRUE(completed[0]);
  EXPECT_EQ(core->sessions(), 0u);
  loop.advance(minutes(1));
  EXPECT_EQ(transport.count("POST", kHeartbeat), 0u);
  EXPECT_FALSE(session->scope()->cancelled());
}

TEST_F(SessionTest, CompletingAgainSharesTheAnswer) {
  session = open();
  complete();
  complete();
  const auto call = transport.expect_request("DELETE", kSession);
  EXPECT_EQ(transport.waiting(), 0u);
  call->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  complete();
  EXPECT_EQ(completed.size(), 3u);
  EXPECT_EQ(transport.count("DELETE", kSession), 1u);
}

TEST_F(SessionTest, CompletingAFailedOrEndedSessionWorks) {
  session = open();
  complete();
  transport.expect_request("DELETE", kSession)->answer(error_answer(410, "SessionEnded", "over"));
  loop.run_ready();
  EXPECT_TRUE(completed.at(0));

  session = open();
  loop.advance(seconds(20));
  ASSERT_EQ(session->state(), SessionState::kFailed);
  complete();
  EXPECT_TRUE(completed.at(1));
}

TEST_F(SessionTest, TheSlotIsKeptForARecreate) {
  session = open();
  complete(minutes(1));
  const auto call = transport.expect_request("DELETE", kSession);
  EXPECT_EQ(call->request().query("keepFor"), "1m");
}

TEST_F(SessionTest, ARefusedKeepIsToldAndTheSessionEndedAllTheSame) {
  session = open();
  complete(std::chrono::hours(100));
  transport.expect_request("DELETE", kSession)
      ->answer(error_answer(400, "InvalidArgument", "keepFor: at most 1h"));
  loop.run_ready();
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(completed[0].error().kind, ErrorKind::kInvalidArgument);
  EXPECT_FALSE(transport.expect_request("DELETE", kSession)->request().query("keepFor"));
}

TEST_F(SessionTest, CompletingOutlastsAWorkerRestartButNotItsLease) {
  session = open();
  complete();
  transport.expect_request("DELETE", kSession)->fail_connect();
  loop.advance(seconds(3));
  transport.expect_request("DELETE", kSession)->fail_lost();
  while (completed.empty()) {
    loop.advance(milliseconds(100));
    if (transport.waiting() > 0) {
      transport.expect_request("DELETE", kSession)->fail_connect();
    }
  }
  EXPECT_EQ(completed[0].error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(logged("its lease will free it"));
  EXPECT_EQ(core->sessions(), 0u);
}

TEST_F(SessionTest, CancellingAContextAboveCompletesIt) {
  session = open();
  root->cancel();
  loop.run_ready();
  EXPECT_EQ(session->state(), SessionState::kClosed);
  EXPECT_EQ(transport.count("DELETE", kSession), 1u);
  EXPECT_TRUE(logged("context cancelled"));
}

TEST_F(SessionTest, DroppingTheLastContextCompletesItAndSaysSo) {
  session = open();
  session->dropped();
  EXPECT_EQ(transport.count("DELETE", kSession), 1u);
  EXPECT_TRUE(logged("the last context of an open session has gone"));
}

class AttachedTest : public SessionTest {
 protected:
  void attach(bool keep_alive) {
    SessionFacts facts;
    facts.ns = "default";
    facts.pool = "files";
    facts.worker = "files-2";
    facts.address = "10.0.0.2:8080";
    facts.id = "s1";
    facts.token = "secret";
    facts.heartbeat_timeout = seconds(20);
    facts.owned = false;
    facts.keep_alive = keep_alive;
    session = core->new_session(facts, root);
    core->adopt(session);
    loop.run_ready();
  }
};

TEST_F(AttachedTest, IsNotCompletedByGoing) {
  attach(true);
  session->dropped();
  loop.advance(minutes(1));
  EXPECT_EQ(transport.count("DELETE", kSession), 0u);
  EXPECT_EQ(core->sessions(), 0u);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(AttachedTest, IsNotCompletedByACancelledContext) {
  attach(true);
  keep_alive();
  root->cancel();
  loop.advance(minutes(1));
  EXPECT_EQ(transport.count("DELETE", kSession), 0u);
}

TEST_F(AttachedTest, RenewsOnlyWhenAskedTo) {
  attach(false);
  loop.advance(minutes(1));
  EXPECT_EQ(transport.sent().size(), 0u);
  EXPECT_EQ(session->state(), SessionState::kOpen);
  attach(true);
  EXPECT_EQ(transport.count("POST", kHeartbeat), 1u);
}

TEST_F(AttachedTest, CompletesWhenAskedTo) {
  attach(false);
  complete();
  transport.expect_request("DELETE", kSession)->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  EXPECT_TRUE(completed.at(0));
}

}  // namespace
}  // namespace berth::client
