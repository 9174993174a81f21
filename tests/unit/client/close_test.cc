#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

class CloseTest : public CoreTest {
 protected:
  void close() {
    core->close([this] { closed = true; });
    loop.run_ready();
  }
  bool closed = false;
};

TEST_F(CloseTest, WithNothingOpenEndsAtOnce) {
  close();
  EXPECT_TRUE(closed);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(CloseTest, CompletesOpenSessionsAndSaysSo) {
  const auto session = open();
  close();
  EXPECT_FALSE(closed);
  EXPECT_TRUE(logged("the client is closed; completing its open session"));
  transport.expect_request("DELETE", "/v1/sessions/s1")->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  EXPECT_TRUE(closed);
}

TEST_F(CloseTest, WaitsFiveSecondsAtMost) {
  const auto session = open();
  close();
  loop.advance(seconds(5) - Duration(1));
  EXPECT_FALSE(closed);
  loop.advance(Duration(1));
  EXPECT_TRUE(closed);
  EXPECT_TRUE(logged("before a worker took its session's end"));
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(CloseTest, CallsUnderWayAllAnswer) {
  const auto session = open();
  std::optional<Outcome<ActivityResult>> activity;
  std::optional<Outcome<Json>> got;
  core->execute(session, {"pack", {}, {}, {}}, root,
                [&](Outcome<ActivityResult> r) { activity = std::move(r); });
  core->get("/v1/pools", root, [&](Outcome<Json> r) { got = std::move(r); });
  begin_open({.id = "s2"});
  close();
  loop.advance(seconds(5));
  EXPECT_TRUE(closed);
  ASSERT_TRUE(activity && got && opened);
  EXPECT_EQ(activity->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(got->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(opened->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(core->calls(), 0u);
  EXPECT_EQ(core->sessions(), 0u);
}

TEST_F(CloseTest, WhatComesLaterIsCancelled) {
  const auto session = open();
  close();
  begin_open({.id = "s2"});
  EXPECT_EQ(opened->error().kind, ErrorKind::kCancelled);
  std::optional<Outcome<ActivityResult>> activity;
  core->execute(session, {"pack", {}, {}, {}}, root,
                [&](Outcome<ActivityResult> r) { activity = std::move(r); });
  EXPECT_EQ(activity->error().kind, ErrorKind::kCancelled);
}

TEST_F(CloseTest, ASessionOfAnotherOwnerIsLeftAlone) {
  SessionFacts facts;
  facts.id = "s1";
  facts.address = "10.0.0.2:8080";
  facts.heartbeat_timeout = seconds(20);
  facts.owned = false;
  const auto session = core->new_session(facts, root);
  core->adopt(session);
  close();
  EXPECT_TRUE(closed);
  EXPECT_EQ(transport.count("DELETE", "/v1/sessions/s1"), 0u);
}

TEST_F(CloseTest, AGetGoesRoundTheGatewaysTwice) {
  std::optional<Outcome<Json>> got;
  core->get("/v1/pools", root, [&](Outcome<Json> r) { got = std::move(r); });
  std::vector<std::string> origins;
  while (!got) {
    loop.advance(milliseconds(200));
    if (transport.waiting() > 0) {
      const auto call = transport.expect_request("GET", "/v1/pools");
      origins.push_back(call->origin());
      call->fail_connect();
    }
  }
  EXPECT_EQ(origins, (std::vector<std::string>{"http://gw-a:7070", "http://gw-b:7070",
                                               "http://gw-a:7070", "http://gw-b:7070"}));
  EXPECT_EQ(got->error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace berth::client
