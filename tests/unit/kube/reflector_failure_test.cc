#include <gtest/gtest.h>

#include "tests/unit/kube/core_harness.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;

class ReflectorFailureTest : public CoreHarness {};

TEST_F(ReflectorFailureTest, AShortWatchWithoutAnEventBacksOff) {
  sync();
  loop_.advance(999ms);
  end_stream();
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(watches());
  open_stream();
  end_stream();
  expect_pause(1600ms, 3200ms);
}

TEST_F(ReflectorFailureTest, AShortWatchWithAnEventIsFollowedAtMostOnceASecond) {
  sync();
  for (int i = 0; i < 5; ++i) {
    push(bookmark(std::to_string(20 + i)));
    end_stream();
    expect_pause(1s, 1s);
    ASSERT_TRUE(watches());
    open_stream();
  }
}

TEST_F(ReflectorFailureTest, AListThatExpiresBetweenPagesStartsAgainInOnePiece) {
  start();
  answer_list("10", {pod("a", "5")}, "more");
  answer(410, status(410, "Expired"));
  ASSERT_TRUE(lists());
  EXPECT_EQ(query("limit"), "-");
  EXPECT_EQ(query("continue"), "-");
  answer_list("11", {pod("b", "6")});
  EXPECT_THAT(said_, ElementsAre("[", "+a@5", "[", "+b@6", "]"));
  EXPECT_EQ(core_->version(), "11");
}

TEST_F(ReflectorFailureTest, AListInOnePieceThatExpiresBacksOff) {
  start();
  answer_list("10", {}, "more");
  answer(410, status(410, "Expired"));
  answer_list("10", {}, "paged all the same");
  answer(410, status(410, "Expired"));
  expect_pause(800ms, 1600ms);
  EXPECT_EQ(query("limit"), "500");
}

TEST_F(ReflectorFailureTest, A410AsHttpStatusListsAgain) {
  sync();
  push(bookmark("11"));
  loop_.advance(2s);
  end_stream();
  ASSERT_TRUE(watches());
  answer(410, status(410, "Expired"));
  loop_.run_ready();
  EXPECT_TRUE(lists());
  EXPECT_EQ(query("resourceVersion"), "-");
}

TEST_F(ReflectorFailureTest, A410InTheStreamListsAgain) {
  sync();
  push(bookmark("11"));
  loop_.advance(2s);
  push(event("ERROR", status(410, "Expired")) + event("ADDED", pod("late", "99")));
  EXPECT_TRUE(lists());
  EXPECT_TRUE(said_.empty());
  EXPECT_TRUE(stream_dropped());
}

TEST_F(ReflectorFailureTest, A410StraightAfterAListBacksOff) {
  start();
  for (const auto& [low, high] : {std::pair{800ms, 1600ms}, std::pair{1600ms, 3200ms}}) {
    answer_list("10", {});
    answer(410, status(410, "Gone"));
    expect_pause(low, high);
    EXPECT_TRUE(lists());
  }
}

TEST_F(ReflectorFailureTest, AnEventAndA410OverAndOverListsAtMostOnceASecond) {
  start();
  for (int i = 0; i < 5; ++i) {
    answer_list("10", {});
    open_stream();
    push(bookmark("11") + event("ERROR", status(410, "Expired")));
    expect_pause(1s, 1s);
    ASSERT_TRUE(lists());
  }
}

TEST_F(ReflectorFailureTest, OverloadIsWaitedForAsLongAsTheServerAsks) {
  start();
  answer_list("10", {});
  http::Response r = http::Response::json(429, status(429, "TooManyRequests").dump());
  r.headers.set("Retry-After", "20");
  newest_->answer(r);
  loop_.run_ready();
  expect_pause(20s, 20s);
  EXPECT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
}

TEST_F(ReflectorFailureTest, RefusedLostAnd5xxKeepTheVersion) {
  sync();
  cut_stream();
  until_asked();
  ASSERT_TRUE(watches());
  refuse_connection();
  until_asked();
  ASSERT_TRUE(watches());
  answer(503, status(503, "ServiceUnavailable"));
  until_asked();
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
  open_stream();
  push(event("ERROR", status(500, "InternalError")));
  until_asked();
  EXPECT_TRUE(watches());
}

TEST_F(ReflectorFailureTest, AServerAwayForLongIsNeverListed) {
  sync();
  cut_stream();
  for (int i = 0; i < 20; ++i) {
    until_asked();
    ASSERT_TRUE(watches()) << i;
    refuse_connection();
  }
}

TEST_F(ReflectorFailureTest, AVersionThatKeepsFailingWith5xxIsGivenUp) {
  sync();
  cut_stream();
  for (int i = 0; i < 5; ++i) {
    until_asked();
    ASSERT_TRUE(watches()) << i;
    answer(500, status(500, "InternalError"));
  }
  until_asked();
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorFailureTest, AVersionFromTheFutureIsListedAgain) {
  start();
  answer_list("10", {});
  Json body = status(504, "Timeout");
  body["details"]["causes"] = Json::array({{{"reason", "ResourceVersionTooLarge"}}});
  answer(504, body);
  until_asked();
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorFailureTest, OtherRefusalsListAgainAfterABackoff) {
  for (const int code : {400, 401, 403, 404}) {
    SetUp();
    start();
    answer_list("10", {});
    answer(code, status(code, "No"));
    expect_pause(800ms, 1600ms);
    EXPECT_TRUE(lists()) << code;
  }
}

TEST_F(ReflectorFailureTest, AFailedListBacksOffUpToAMinuteAndStartsOver) {
  start();
  answer_list("10", {pod("a", "5")}, "more");
  lose_connection();
  expect_pause(800ms, 1600ms);
  EXPECT_EQ(query("continue"), "-");
  for (int i = 0; i < 10; ++i) {
    lose_connection();
    until_asked();
    ASSERT_TRUE(lists());
  }
  lose_connection();
  expect_pause(30s, 60s);
}

TEST_F(ReflectorFailureTest, AServerThatIsNotReachedIsLookedForEveryTenSecondsAtTheLatest) {
  start();
  for (int i = 0; i < 10; ++i) {
    refuse_connection();
    until_asked();
    ASSERT_TRUE(lists());
  }
  refuse_connection();
  expect_pause(5s, 10s);
}

TEST_F(ReflectorFailureTest, AServerThatIsBackIsNotHeldToItsAbsence) {
  start();
  answer_list("10", {});
  for (int i = 0; i < 10; ++i) {
    refuse_connection();
    until_asked();
    ASSERT_TRUE(watches());
  }
  answer(410, status(410, "Expired"));
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorFailureTest, TheBackoffBeginsAnewAfterTwoQuietMinutes) {
  sync();
  for (int i = 0; i < 8; ++i) {
    cut_stream();
    until_asked();
    open_stream();
  }
  loop_.advance(2min);
  cut_stream();
  expect_pause(800ms, 1600ms);
}

TEST_F(ReflectorFailureTest, AListWithoutVersionNamesOrItemsInAListIsRefused) {
  for (const Json& body :
       {Json({{"items", Json::array()}}),
        Json({{"metadata", {{"resourceVersion", "0"}}}, {"items", Json::array()}}),
        Json({{"metadata", {{"resourceVersion", "7"}}}, {"items", 3}}),
        Json({{"metadata", {{"resourceVersion", "7"}}}, {"items", {{{"metadata", 1}}}}}),
        Json::array()}) {
    SetUp();
    start();
    answer(200, body);
    EXPECT_FALSE(core_->synced()) << body;
    expect_pause(800ms, 1600ms);
    EXPECT_TRUE(lists()) << body;
  }
}

TEST_F(ReflectorFailureTest, AnEndlessListIsGivenUp) {
  start();
  for (int i = 0; i < 2000 && lists(); ++i) {
    answer_list("10", {}, "more");
  }
  answer_list("10", {}, "more");
  EXPECT_FALSE(newest_.waiting());
}

TEST_F(ReflectorFailureTest, AHugeLineIsAnsweredByANewList) {
  sync();
  push(std::string(4u << 20, 'x'));
  ASSERT_TRUE(said_.empty());
  push("x");
  EXPECT_TRUE(stream_dropped());
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorFailureTest, AnEventThatCannotBeReadIsAnsweredByANewList) {
  for (const std::string& bad : {std::string("{nope\n"), event("ADDED", {{"metadata", {}}})}) {
    SetUp();
    sync();
    push(bad + event("ADDED", pod("b", "11")));
    EXPECT_TRUE(said_.empty());
    expect_pause(800ms, 1600ms);
    EXPECT_TRUE(lists());
  }
}

TEST_F(ReflectorFailureTest, AnEndInTheMiddleOfAnEventWatchesAgainFromTheSameVersion) {
  sync();
  loop_.advance(10s);
  push("{\"type\":\"ADD");
  end_stream();
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
}

TEST_F(ReflectorFailureTest, AConnectionSilentForItsTimeoutAndFiveSecondsIsDead) {
  start();
  answer_list("10", {});
  const auto timeout = std::chrono::seconds(std::stoi(query("timeoutSeconds")));
  open_stream();
  loop_.advance(timeout + 4s);
  push(bookmark("11"));
  loop_.advance(timeout + 5s - 1ns);
  EXPECT_FALSE(newest_.waiting());
  loop_.advance(1ns);
  EXPECT_TRUE(stream_dropped());
  loop_.advance(1600ms);
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "11");
}

TEST_F(ReflectorFailureTest, BytesWithoutAnEventDoNotKeepAConnectionAlive) {
  sync();
  for (int i = 0; i < 70; ++i) {
    loop_.advance(10s);
    push(" ");
  }
  EXPECT_TRUE(stream_dropped());
}

}  // namespace
}  // namespace berth::kube
