#include "client/src/create_call.h"

#include "berth/auth/session_token.h"
#include "berth/base/duration.h"
#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

constexpr const char* kPath = "/v1/namespaces/default/pools/files/sessions";

class CreateCallTest : public CoreTest {
 protected:
  fakes::FakeTransport::CallPtr next() { return transport.expect_request("POST", kPath); }
  ErrorKind kind() const { return opened ? opened->error().kind : ErrorKind::kInternal; }
};

TEST_F(CreateCallTest, SendsIdHashAndLimitsButNeverTheToken) {
  begin_open({.creation_timeout = seconds(90),
              .execution_timeout = minutes(10),
              .heartbeat_timeout = seconds(20),
              .resources = {{"gpu", 1}},
              .id = "mine"});
  const auto call = next();
  EXPECT_EQ(call->origin(), "http://gw-a:7070");
  EXPECT_EQ(call->request().headers.get("Authorization"), "Bearer caller");
  const auto body = api::CreateSession::parse(body_of(call));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->id.str(), "mine");
  EXPECT_EQ(body->creation_timeout, seconds(90));
  EXPECT_EQ(body->execution_timeout, minutes(10));
  EXPECT_EQ(body->heartbeat_timeout, seconds(20));
  EXPECT_EQ(body->resources.at("gpu"), 1);
  call->answer(created_answer("mine"));
  loop.run_ready();
  ASSERT_TRUE(*opened);
  const SessionFacts& facts = (**opened)->facts();
  EXPECT_EQ(facts.worker, "files-2");
  EXPECT_EQ(facts.address, "10.0.0.2:8080");
  EXPECT_EQ(*body->token_hash, auth::sha256_hex(facts.token));
  EXPECT_EQ(call->request().body.find(facts.token), std::string::npos);
}

TEST_F(CreateCallTest, KeepsItsPlaceWithTheTimeThatIsLeft) {
  begin_open({.creation_timeout = seconds(60), .id = "s1"});
  const auto first = next();
  loop.advance(seconds(25));
  first->answer(error_answer(503, "StillWaiting", "wait"));
  loop.run_ready();
  const auto second = next();
  EXPECT_EQ(second->origin(), first->origin());
  EXPECT_EQ(body_of(second)["creationTimeout"], "35s");
  EXPECT_EQ(body_of(second)["id"], "s1");
  EXPECT_EQ(body_of(second)["tokenHash"], body_of(first)["tokenHash"]);
}

TEST_F(CreateCallTest, AGatewayThatLetsNobodyWaitIsNotHammered) {
  transport.on("POST", kPath,
               [](const http::Request&) { return error_answer(503, "StillWaiting", "wait"); });
  begin_open({.creation_timeout = seconds(20), .id = "s1"});
  loop.advance(seconds(20));
  EXPECT_EQ(kind(), ErrorKind::kCreationTimeout);
  EXPECT_LE(transport.count("POST", kPath), 30u);
}

TEST_F(CreateCallTest, ALostAnswerIsAskedForAtTheOtherGatewayWithTheSameIdAndHash) {
  begin_open();
  const auto first = next();
  first->fail_lost();
  loop.run_ready();
  const auto second = next();
  EXPECT_EQ(second->origin(), "http://gw-b:7070");
  EXPECT_EQ(body_of(second)["id"], body_of(first)["id"]);
  EXPECT_EQ(body_of(second)["tokenHash"], body_of(first)["tokenHash"]);
  second->answer(created_answer("s1"));
  loop.run_ready();
  EXPECT_TRUE(*opened);
}

TEST_F(CreateCallTest, AGatewayThatStandsStillIsLeftAfterItsWindow) {
  begin_open();
  const auto first = next();
  loop.advance(CreateCall::kWindow + options.call_timeout);
  EXPECT_TRUE(first->finished());
  EXPECT_EQ(next()->origin(), "http://gw-b:7070");
}

TEST_F(CreateCallTest, RoundsOverDeadGatewaysArePaced) {
  begin_open({.creation_timeout = seconds(30), .id = "s1"});
  std::size_t calls = 0;
  while (!opened) {
    if (transport.waiting() > 0) {
      ++calls;
      next()->fail_connect();
    }
    loop.advance(milliseconds(10));
  }
  EXPECT_EQ(kind(), ErrorKind::kUnavailable);
  EXPECT_NE(opened->error().text().find("gw-"), std::string::npos);
  EXPECT_GE(calls, 10u);
  EXPECT_LE(calls, 60u);
}

TEST_F(CreateCallTest, GatewaysThatStayAwayAreLoggedOnce) {
  std::vector<std::string> lines;
  options.log =
      Log::to_function([&](const std::string& line) { lines.push_back(line); }, Log::Level::kWarn);
  core = std::make_unique<Core>(Core::Parts{loop, transport, random, nullptr, door}, options);
  begin_open({.creation_timeout = minutes(5), .id = "s1"});
  while (!opened) {
    if (transport.waiting() > 0) {
      next()->fail_connect();
    }
    loop.advance(milliseconds(100));
  }
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("no gateway serves a creation; trying on"), std::string::npos);
}

TEST_F(CreateCallTest, EndsAtTheCreationTimeoutExactlyAndDropsTheCall) {
  begin_open({.creation_timeout = seconds(10), .id = "s1"});
  const auto call = next();
  loop.advance(seconds(10) - Duration(1));
  EXPECT_FALSE(opened);
  loop.advance(Duration(1));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(call->cancelled());
  EXPECT_EQ(core->calls(), 0u);
}

TEST_F(CreateCallTest, ABusyPoolIsACreationTimeoutThatTellsTheLastAnswer) {
  begin_open({.creation_timeout = seconds(3), .id = "s1"});
  while (!opened) {
    if (transport.waiting() > 0) {
      next()->answer(error_answer(429, "LineFull", "500 callers wait"));
    }
    loop.advance(milliseconds(100));
  }
  EXPECT_EQ(kind(), ErrorKind::kCreationTimeout);
  EXPECT_NE(opened->error().text().find("500 callers wait"), std::string::npos);
  EXPECT_NE(opened->error().text().find("3s"), std::string::npos);
}

TEST_F(CreateCallTest, TheWishOfAFullLineIsKept) {
  begin_open();
  auto answer = error_answer(429, "LineFull", "full");
  answer.headers.set("Retry-After", "7");
  next()->answer(std::move(answer));
  loop.advance(seconds(7) - Duration(1));
  EXPECT_EQ(transport.waiting(), 0u);
  loop.advance(Duration(1));
  EXPECT_EQ(transport.waiting(), 1u);
}

TEST_F(CreateCallTest, AnUnknownPoolIsAnErrorAtOnce) {
  begin_open();
  next()->answer(error_answer(404, "PoolNotFound", "no pool files; there are: shell"));
  loop.run_ready();
  EXPECT_EQ(kind(), ErrorKind::kPoolNotFound);
}

TEST_F(CreateCallTest, CancellingDropsTheCallSoThatTheGatewayGivesTheSessionBack) {
  begin_open();
  const auto call = next();
  call_scope->cancel();
  loop.run_ready();
  EXPECT_TRUE(call->cancelled());
  EXPECT_EQ(kind(), ErrorKind::kCancelled);
}

TEST_F(CreateCallTest, ASessionThatCameWithTheCancelIsCompleted) {
  begin_open();
  next()->answer(created_answer("s1"));
  call_scope->cancel();  // Posted behind the answer.
  loop.run_ready();
  EXPECT_EQ(kind(), ErrorKind::kCancelled);
  EXPECT_EQ(transport.count("DELETE", "/v1/sessions/s1"), 1u);
}

TEST_F(CreateCallTest, ASessionThatEndedUnheardIsReplacedUnderANewId) {
  begin_open({.id = ""});
  const auto first = next();
  first->answer(error_answer(410, "SessionEnded", "over: LeaseExpired"));
  loop.advance(seconds(1));
  const auto second = next();
  EXPECT_NE(body_of(second)["id"], body_of(first)["id"]);
  EXPECT_NE(body_of(second)["tokenHash"], body_of(first)["tokenHash"]);
}

TEST_F(CreateCallTest, AnEndedIdOfTheCallersIsItsError) {
  begin_open({.id = "s1"});
  next()->answer(error_answer(410, "SessionEnded", "over"));
  loop.run_ready();
  EXPECT_EQ(kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(opened->error().error.field, "id");
}

TEST_F(CreateCallTest, AnAnswerThatIsNoneIsTold) {
  begin_open();
  next()->answer(http::Response::json(201, "{\"id\": 7}"));
  loop.run_ready();
  EXPECT_EQ(kind(), ErrorKind::kInternal);
}

TEST_F(CreateCallTest, AFreshAnswerCountsFromItsSending) {
  begin_open();
  const auto call = next();
  loop.advance(seconds(2));
  call->answer(created_answer("s1", seconds(20)));
  loop.run_ready();
  EXPECT_EQ(transport.waiting(), 0u);
  loop.advance(seconds(18) - Duration(1));
  EXPECT_EQ((**opened)->state(), SessionState::kOpen);
  loop.advance(Duration(1));
  EXPECT_EQ((**opened)->state(), SessionState::kFailed);
}

TEST_F(CreateCallTest, AfterAWaitTheLeaseIsConfirmedAtOnce) {
  begin_open();
  const auto call = next();
  loop.advance(seconds(24));
  call->answer(created_answer("s1", seconds(20)));
  loop.run_ready();
  transport.expect_request("POST", "/v1/sessions/s1/heartbeat");
  EXPECT_EQ((**opened)->state(), SessionState::kOpen);
}

TEST_F(CreateCallTest, ABadGatewayOptionIsAnErrorOfTheFirstCall) {
  options.gateway = "gw:7070";
  core = std::make_unique<Core>(Core::Parts{loop, transport, random, nullptr, door}, options);
  begin_open();
  EXPECT_EQ(kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(opened->error().error.field, "gateway");
}

}  // namespace
}  // namespace berth::client
