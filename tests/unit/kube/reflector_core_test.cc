#include <gtest/gtest.h>

#include "tests/unit/kube/core_harness.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReflectorCoreTest : public CoreHarness {};

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

TEST_F(ReflectorCoreTest, OneObjectIsListedAndWatchedByItsName) {
  ReflectorSettings one;
  one.ns = "x";
  one.name = "berth-keys";
  core_ = std::make_unique<ReflectorCore>(loop_, client_, random_, kConfigMaps, one, Log(),
                                          metrics_, ReflectorCore::Events());
  start();
  EXPECT_EQ(query("fieldSelector"), "metadata.name=berth-keys");
  answer_list("10", {});
  ASSERT_TRUE(watches());
  EXPECT_EQ(query("fieldSelector"), "metadata.name=berth-keys");
  EXPECT_NE(
      metrics_.text().find("berth_kube_watch_silence_seconds{resource=\"configmaps/berth-keys"),
      std::string::npos);
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

TEST_F(ReflectorCoreTest, ItemsThatAreAbsentOrNullAreAnEmptyList) {
  start();
  answer(200, {{"metadata", {{"resourceVersion", "7"}}}, {"items", nullptr}});
  EXPECT_TRUE(core_->synced());
}

TEST_F(ReflectorCoreTest, TellsHowLongTheServerHasSaidNothing) {
  sync();
  loop_.advance(30s);
  EXPECT_EQ(core_->silence(), Duration(30s));
  EXPECT_THAT(metrics_.text(),
              HasSubstr("berth_kube_watch_silence_seconds{resource=\"pods\",scope=\"x\"} 30"));
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
  ASSERT_TRUE(lists());
  core_->stop();  // while listing
  EXPECT_TRUE(newest_->cancelled());
  start();
  answer_list("10", {});
  ASSERT_TRUE(watches());
  core_->stop();  // while the watch opens
  EXPECT_TRUE(newest_->cancelled());
  sync();
  core_->stop();  // while it is open
  EXPECT_TRUE(stream_dropped());
  sync();
  cut_stream();
  core_->stop();  // while backing off
  const std::size_t before = asked();
  loop_.advance(1h);
  EXPECT_EQ(asked(), before);
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
    EXPECT_FALSE(newest_.waiting());
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
