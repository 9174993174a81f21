#include "tests/unit/devcluster/apiserver/server_fixture.h"

namespace berth::devcluster {
namespace {

using FaultsTest = ServerTest;

TEST_F(FaultsTest, FaultStatusComesAsOftenAsScripted) {
  start();
  faults.add({.action = FaultRule::Action::kStatus,
              .method = "GET",
              .path = "configmaps",
              .times = 2,
              .status = 429,
              .retry_after = std::chrono::seconds(3)});
  const auto first = send("GET", kConfigs);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, 429);
  EXPECT_EQ(first->headers.get("Retry-After"), "3");
  EXPECT_EQ(ask("POST", kConfigs, config("a")).first, 201) << "another method";
  EXPECT_EQ(ask("GET", kConfigs).first, 429);
  EXPECT_EQ(ask("GET", kConfigs).first, 200);
  EXPECT_EQ(faults.hits(), 2u);
}

TEST_F(FaultsTest, ADropBeforeDoesNothingAndADropAfterLosesTheAcknowledgement) {
  start();
  faults.add({.action = FaultRule::Action::kDropBefore, .method = "POST"});
  const auto before = send("POST", kConfigs, config("a"));
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().reason, "ConnectionLost");
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 404);
  faults.add({.action = FaultRule::Action::kDropAfter, .method = "POST"});
  EXPECT_FALSE(send("POST", kConfigs, config("a")));
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 200);
}

TEST_F(FaultsTest, AFrozenRequestGetsNoAnswerUntilCleared) {
  start();
  faults.add({.action = FaultRule::Action::kFreeze, .method = "GET"});
  const auto frozen =
      send("GET", kConfigs, nullptr, "", {.deadline = std::chrono::milliseconds(50)});
  ASSERT_FALSE(frozen);
  EXPECT_EQ(frozen.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(faults.frozen(), 1u);
  faults.clear();
  EXPECT_EQ(faults.frozen(), 0u);
  EXPECT_EQ(ask("GET", kConfigs).first, 200);
}

TEST_F(FaultsTest, ADelayedRequestIsCarriedOutLater) {
  start();
  faults.add({.action = FaultRule::Action::kDelay, .delay = std::chrono::milliseconds(20)});
  const TimePoint before = loop.clock().now();
  EXPECT_EQ(ask("POST", kConfigs, config("a")).first, 201);
  EXPECT_GE(loop.clock().now() - before, std::chrono::milliseconds(20));
}

TEST_F(FaultsTest, FramesAreSplitAnywhere) {
  start();
  ask("POST", kConfigs, config("a"));
  faults.split_frames(3);
  const auto body = watch(std::string(kConfigs) + "?watch=true");
  EXPECT_EQ(brief(next_event(*body)), "ADDED:a");
}

TEST_F(FaultsTest, WatchesAreClosedCleanlyOrCut) {
  start();
  auto body = watch(std::string(kConfigs) + "?watch=true");
  server->close_watches(false);
  EXPECT_TRUE(next_bytes(*body));
  body = watch(std::string(kConfigs) + "?watch=true");
  server->close_watches(true);
  EXPECT_FALSE(next_bytes(*body));
}

TEST_F(FaultsTest, TheFaultsEndpointTakesTheSameScript) {
  start();
  const auto version = std::to_string(store.version());
  const auto [code, answer] =
      ask("POST", "/_faults",
          {{"rules", {{{"action", "status"}, {"path", "configmaps"}, {"status", 409}}}},
           {"expireHistory", true},
           {"frameBytes", 5}});
  EXPECT_EQ(code, 200);
  EXPECT_EQ(ask("GET", kConfigs).first, 409);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "?watch=true&resourceVersion=" + version).first,
            410);
  EXPECT_EQ(faults.frame_bytes(), 5u);
  EXPECT_EQ(ask("POST", "/_faults", {{"rules", {{{"action", "explode"}}}}}).first, 400);
  EXPECT_EQ(ask("POST", "/_faults", {{"clear", true}}).first, 200);
  EXPECT_EQ(faults.frame_bytes(), 0u);
}

TEST_F(FaultsTest, TheFaultsEndpointIsAbsentUnlessEnabled) {
  options.faults_endpoint = false;
  start();
  EXPECT_EQ(ask("POST", "/_faults", Json::object()).first, 404);
}

}  // namespace
}  // namespace berth::devcluster
