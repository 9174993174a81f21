#include <gtest/gtest.h>

#include "tests/unit/kube/watch_harness.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReflectorCoreTest : public WatchHarness {
 protected:
  void SetUp() override {
    ReflectorCore::Events events;
    events.upsert = [this](const Json& o) { said("+" + name_of(o) + "@" + version_of(o)); };
    events.remove = [this](const std::string& key) { said("-" + key); };
    events.replace_begin = [this] { said("["); };
    events.replace_end = [this] { said("]"); };
    core_ = std::make_unique<ReflectorCore>(loop_, client_, random_, kPods, settings(), Log(),
                                            metrics_, events);
  }
  void said(const std::string& what) {
    said_.push_back(what);
    if (what == stop_at_) {
      core_->stop();
    }
  }
  void start() {
    core_->start();
    loop_.run_ready();
  }
  // Listed once at version 10 with pod "a", and watching.
  void sync() {
    start();
    answer_list("10", {pod("a", "5")});
    ASSERT_TRUE(watches());
    open_stream();
    said_.clear();
  }
  // Nothing is asked for `quiet`, then something by `latest`.
  void expect_pause(Duration quiet, Duration latest) {
    const std::size_t before = transport_.count();
    loop_.advance(quiet - 1ns);
    EXPECT_EQ(transport_.count(), before) << "asked too early";
    loop_.advance(latest - quiet + 1ns);
    EXPECT_EQ(transport_.count(), before + 1) << "did not ask again";
  }
  std::unique_ptr<ReflectorCore> core_;
  std::vector<std::string> said_;
  std::string stop_at_;
};

TEST_F(ReflectorCoreTest, TheFirstListIsConsistentAndPaged) {
  start();
  EXPECT_TRUE(lists());
  EXPECT_EQ(query("resourceVersion"), "-");
  EXPECT_EQ(query("limit"), "500");
  EXPECT_EQ(query("labelSelector"), "app=y");
  EXPECT_FALSE(core_->synced());
  answer_list("10", {pod("a", "5")}, "more");
  EXPECT_FALSE(core_->synced());
  EXPECT_EQ(query("continue"), "more");
  EXPECT_EQ(query("limit"), "500");
  EXPECT_EQ(query("labelSelector"), "app=y");
  answer_list("10", {pod("b", "6")});
  EXPECT_THAT(said_, ElementsAre("[", "+a@5", "+b@6", "]"));
  EXPECT_TRUE(core_->synced());
  EXPECT_EQ(core_->version(), "10");
}

TEST_F(ReflectorCoreTest, WatchesFromTheListsVersionWithBookmarksAndADrawnTimeout) {
  start();
  answer_list("10", {});
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
  EXPECT_EQ(query("allowWatchBookmarks"), "true");
  const int timeout = std::stoi(query("timeoutSeconds"));
  EXPECT_GE(timeout, 300);
  EXPECT_LT(timeout, 600);
}

TEST_F(ReflectorCoreTest, EventsChangeTheCopyAndMoveTheVersion) {
  sync();
  push(event("ADDED", pod("b", "11")) + event("MODIFIED", pod("a", "12")));
  EXPECT_EQ(core_->version(), "12");
  push(event("DELETED", pod("b", "13")));
  EXPECT_EQ(core_->version(), "13");
  EXPECT_THAT(said_, ElementsAre("+b@11", "+a@12", "-x/b"));
}

TEST_F(ReflectorCoreTest, FramesMayBeSplitAnywhere) {
  sync();
  for (const char c : event("ADDED", pod("b", "11"))) {
    push(std::string(1, c));
  }
  EXPECT_THAT(said_, ElementsAre("+b@11"));
}

TEST_F(ReflectorCoreTest, BookmarksMoveTheVersionOnly) {
  sync();
  push(bookmark("99"));
  EXPECT_EQ(core_->version(), "99");
  EXPECT_TRUE(said_.empty());
  loop_.advance(2s);
  end_stream();
  EXPECT_EQ(query("resourceVersion"), "99");
}

TEST_F(ReflectorCoreTest, AnOlderVersionNeverReplacesANewerOne) {
  sync();
  push(bookmark("99") + event("MODIFIED", pod("a", "98")));
  EXPECT_EQ(core_->version(), "99");
  EXPECT_THAT(said_, ElementsAre("+a@98"));
}

TEST_F(ReflectorCoreTest, AUnknownEventTypeIsLeftOut) {
  sync();
  push(event("SURPRISE", pod("a", "11")) + event("MODIFIED", pod("a", "12")));
  EXPECT_THAT(said_, ElementsAre("+a@12"));
}

TEST_F(ReflectorCoreTest, ACleanEndIsFollowedByAWatchAtOnce) {
  sync();
  loop_.advance(300s);
  end_stream();
  EXPECT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
  EXPECT_TRUE(stream_dropped());
}

TEST_F(ReflectorCoreTest, AShortWatchWithoutAnEventBacksOff) {
  sync();
  loop_.advance(999ms);
  end_stream();
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(watches());
  open_stream();
  end_stream();
  expect_pause(1600ms, 3200ms);
}

TEST_F(ReflectorCoreTest, AShortWatchWithAnEventIsFollowedAtMostOnceASecond) {
  sync();
  for (int i = 0; i < 5; ++i) {
    push(bookmark(std::to_string(20 + i)));
    end_stream();
    expect_pause(1s, 1s);
    ASSERT_TRUE(watches());
    open_stream();
  }
}

TEST_F(ReflectorCoreTest, AListThatExpiresBetweenPagesStartsAgainInOnePiece) {
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

TEST_F(ReflectorCoreTest, AListInOnePieceThatExpiresBacksOff) {
  start();
  answer_list("10", {}, "more");
  answer(410, status(410, "Expired"));
  answer_list("10", {}, "paged all the same");
  answer(410, status(410, "Expired"));
  expect_pause(800ms, 1600ms);
  EXPECT_EQ(query("limit"), "500");
}

TEST_F(ReflectorCoreTest, A410AsHttpStatusListsAgain) {
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

TEST_F(ReflectorCoreTest, A410InTheStreamListsAgain) {
  sync();
  push(bookmark("11"));
  loop_.advance(2s);
  push(event("ERROR", status(410, "Expired")) + event("ADDED", pod("late", "99")));
  EXPECT_TRUE(lists());
  EXPECT_TRUE(said_.empty());
  EXPECT_TRUE(stream_dropped());
}

TEST_F(ReflectorCoreTest, A410StraightAfterAListBacksOff) {
  start();
  for (const auto& [low, high] : {std::pair{800ms, 1600ms}, std::pair{1600ms, 3200ms}}) {
    answer_list("10", {});
    answer(410, status(410, "Gone"));
    expect_pause(low, high);
    EXPECT_TRUE(lists());
  }
}

TEST_F(ReflectorCoreTest, AnEventAndA410OverAndOverListsAtMostOnceASecond) {
  start();
  for (int i = 0; i < 5; ++i) {
    answer_list("10", {});
    open_stream();
    push(bookmark("11") + event("ERROR", status(410, "Expired")));
    expect_pause(1s, 1s);
    ASSERT_TRUE(lists());
  }
}

TEST_F(ReflectorCoreTest, OverloadIsWaitedForAsLongAsTheServerAsks) {
  start();
  answer_list("10", {});
  http::Response r = http::Response::json(429, status(429, "TooManyRequests").dump());
  r.headers.set("Retry-After", "20");
  transport_.answer(r);
  loop_.run_ready();
  expect_pause(20s, 20s);
  EXPECT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
}

TEST_F(ReflectorCoreTest, RefusedLostAnd5xxKeepTheVersion) {
  sync();
  cut_stream();
  loop_.advance(2s);
  ASSERT_TRUE(watches());
  answer_error("ConnectFailed");
  loop_.advance(4s);
  ASSERT_TRUE(watches());
  answer(503, status(503, "ServiceUnavailable"));
  loop_.advance(8s);
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
  open_stream();
  push(event("ERROR", status(500, "InternalError")));
  loop_.advance(16s);
  EXPECT_TRUE(watches());
}

TEST_F(ReflectorCoreTest, AServerAwayForLongIsNeverListed) {
  sync();
  cut_stream();
  for (int i = 0; i < 20; ++i) {
    loop_.advance(60s);
    ASSERT_TRUE(watches()) << i;
    answer_error("ConnectFailed");
  }
}

TEST_F(ReflectorCoreTest, AVersionThatKeepsFailingWith5xxIsGivenUp) {
  sync();
  cut_stream();
  for (int i = 0; i < 5; ++i) {
    loop_.advance(60s);
    ASSERT_TRUE(watches()) << i;
    answer(500, status(500, "InternalError"));
  }
  loop_.advance(60s);
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorCoreTest, AVersionFromTheFutureIsListedAgain) {
  start();
  answer_list("10", {});
  Json body = status(504, "Timeout");
  body["details"]["causes"] = Json::array({{{"reason", "ResourceVersionTooLarge"}}});
  answer(504, body);
  loop_.advance(2s);
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorCoreTest, OtherRefusalsListAgainAfterABackoff) {
  for (const int code : {400, 401, 403, 404}) {
    SetUp();
    start();
    answer_list("10", {});
    answer(code, status(code, "No"));
    expect_pause(800ms, 1600ms);
    EXPECT_TRUE(lists()) << code;
  }
}

TEST_F(ReflectorCoreTest, AFailedListBacksOffUpToAMinuteAndStartsOver) {
  start();
  answer_list("10", {pod("a", "5")}, "more");
  answer_error("ConnectionLost");
  expect_pause(800ms, 1600ms);
  EXPECT_EQ(query("continue"), "-");
  for (int i = 0; i < 10; ++i) {
    answer_error("ConnectFailed");
    loop_.advance(60s);
    ASSERT_TRUE(lists());
  }
  answer_error("ConnectFailed");
  expect_pause(30s, 60s);
}

TEST_F(ReflectorCoreTest, TheBackoffBeginsAnewAfterTwoQuietMinutes) {
  sync();
  for (int i = 0; i < 8; ++i) {
    cut_stream();
    loop_.advance(60s);
    open_stream();
  }
  loop_.advance(2min);
  cut_stream();
  expect_pause(800ms, 1600ms);
}

TEST_F(ReflectorCoreTest, AListWithoutVersionNamesOrItemsInAListIsRefused) {
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

TEST_F(ReflectorCoreTest, ItemsThatAreAbsentOrNullAreAnEmptyList) {
  start();
  answer(200, {{"metadata", {{"resourceVersion", "7"}}}, {"items", nullptr}});
  EXPECT_TRUE(core_->synced());
}

TEST_F(ReflectorCoreTest, AnEndlessListIsGivenUp) {
  start();
  for (int i = 0; i < 2000 && lists(); ++i) {
    answer_list("10", {}, "more");
  }
  answer_list("10", {}, "more");
  EXPECT_FALSE(transport_.waiting());
}

TEST_F(ReflectorCoreTest, AHugeLineIsAnsweredByANewList) {
  sync();
  push(std::string(4u << 20, 'x'));
  ASSERT_TRUE(said_.empty());
  push("x");
  EXPECT_TRUE(stream_dropped());
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(lists());
}

TEST_F(ReflectorCoreTest, AnEventThatCannotBeReadIsAnsweredByANewList) {
  for (const std::string& bad : {std::string("{nope\n"), event("ADDED", {{"metadata", {}}})}) {
    SetUp();
    sync();
    push(bad + event("ADDED", pod("b", "11")));
    EXPECT_TRUE(said_.empty());
    expect_pause(800ms, 1600ms);
    EXPECT_TRUE(lists());
  }
}

TEST_F(ReflectorCoreTest, AnEndInTheMiddleOfAnEventWatchesAgainFromTheSameVersion) {
  sync();
  loop_.advance(10s);
  push("{\"type\":\"ADD");
  end_stream();
  expect_pause(800ms, 1600ms);
  EXPECT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "10");
}

TEST_F(ReflectorCoreTest, AConnectionSilentForItsTimeoutAndFiveSecondsIsDead) {
  start();
  answer_list("10", {});
  const auto timeout = std::chrono::seconds(std::stoi(query("timeoutSeconds")));
  open_stream();
  loop_.advance(timeout + 4s);
  push(bookmark("11"));
  loop_.advance(timeout + 5s - 1ns);
  EXPECT_FALSE(transport_.waiting());
  loop_.advance(1ns);
  EXPECT_TRUE(stream_dropped());
  loop_.advance(1600ms);
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("resourceVersion"), "11");
}

TEST_F(ReflectorCoreTest, BytesWithoutAnEventDoNotKeepAConnectionAlive) {
  sync();
  for (int i = 0; i < 70; ++i) {
    loop_.advance(10s);
    push(" ");
  }
  EXPECT_TRUE(stream_dropped());
}

TEST_F(ReflectorCoreTest, TellsHowLongTheServerHasSaidNothing) {
  sync();
  loop_.advance(30s);
  EXPECT_EQ(core_->silence(), Duration(30s));
  EXPECT_THAT(metrics_.text(), HasSubstr("berth_kube_watch_silence_seconds{resource=\"pods\"} 30"));
  push(bookmark("11"));
  EXPECT_EQ(core_->silence(), Duration(0));
  cut_stream();
  loop_.advance(45s);
  EXPECT_EQ(core_->silence(), Duration(45s)) << "trying is not hearing";
}

TEST_F(ReflectorCoreTest, CountsListsAndFailures) {
  sync();
  cut_stream();
  EXPECT_THAT(metrics_.text(), HasSubstr("berth_kube_lists_total{resource=\"pods\"} 1"));
  EXPECT_THAT(metrics_.text(), HasSubstr("berth_kube_watch_failures_total{resource=\"pods\"} 1"));
}

TEST_F(ReflectorCoreTest, StopEndsAnyState) {
  start();
  core_->stop();  // while listing
  EXPECT_TRUE(transport_.last().cancelled);
  start();
  answer_list("10", {});
  core_->stop();  // while the watch opens
  EXPECT_TRUE(transport_.last().cancelled);
  sync();
  core_->stop();  // while it is open
  EXPECT_TRUE(stream_dropped());
  sync();
  cut_stream();
  core_->stop();  // while backing off
  const std::size_t before = transport_.count();
  loop_.advance(1h);
  EXPECT_EQ(transport_.count(), before);
  EXPECT_EQ(loop_.timers(), 0u);
}

TEST_F(ReflectorCoreTest, StopInsideACallbackIsTheLastCallback) {
  for (const std::string& at : {std::string("["), std::string("+a@5"), std::string("]")}) {
    SetUp();
    said_.clear();
    stop_at_ = at;
    start();
    answer_list("10", {pod("a", "5"), pod("b", "6")});
    EXPECT_EQ(said_.back(), at);
    EXPECT_FALSE(transport_.waiting());
  }
  SetUp();
  stop_at_.clear();
  sync();
  stop_at_ = "+b@11";
  push(event("ADDED", pod("b", "11")) + event("ADDED", pod("c", "12")));
  EXPECT_THAT(said_, ElementsAre("+b@11"));
  EXPECT_TRUE(stream_dropped());
}

TEST_F(ReflectorCoreTest, StartAfterStopListsAgain) {
  sync();
  core_->stop();
  core_->start();
  core_->start();
  EXPECT_TRUE(lists());
  EXPECT_EQ(query("resourceVersion"), "-");
}

TEST_F(ReflectorCoreTest, DestroyedWhileWatchingItLetsGoOfEverything) {
  sync();
  core_.reset();
  EXPECT_TRUE(stream_dropped());
  EXPECT_EQ(loop_.timers(), 0u);
}

}  // namespace
}  // namespace berth::kube
