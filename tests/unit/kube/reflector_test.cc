#include "berth/kube/reflector.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/watch_harness.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;

struct Trimmed {
  std::string uid;
  std::string version;
};

class ReflectorTest : public WatchHarness {
 protected:
  using Pods = Reflector<Trimmed>;

  static std::string text(const Pods::Ptr& p) { return p ? p->uid + "@" + p->version : "none"; }
  void SetUp() override {
    pods_ = std::make_unique<Pods>(
        loop_, client_, random_, kPods, settings(), Log(), metrics_,
        [](const Json& o) -> std::optional<Trimmed> {
          if (label_of(o, "skip") == "yes") {
            return std::nullopt;
          }
          return Trimmed{uid_of(o), version_of(o)};
        },
        [this](const std::string& key, const Pods::Ptr& before, const Pods::Ptr& now) {
          EXPECT_NE(pods_->get(key), before) << "told before the copy was changed";
          changes_.push_back(key + ": " + text(before) + " -> " + text(now));
          if (stop_at_first_) {
            pods_->stop();
          }
        });
  }
  void sync(const std::vector<Json>& items) {
    pods_->start();
    answer_list("10", items);
    open_stream();
    changes_.clear();
  }
  // The connection is lost, the version expired, and the new list is this.
  void relist(const std::vector<Json>& items) {
    push(bookmark("11"));
    loop_.advance(2s);
    push(event("ERROR", status(410, "Expired")));
    loop_.run_ready();
    ASSERT_TRUE(lists());
    answer_list("20", items);
  }
  static Json skipped(Json object) {
    object["metadata"]["labels"]["skip"] = "yes";
    return object;
  }

  std::unique_ptr<Pods> pods_;
  std::vector<std::string> changes_;
  bool stop_at_first_ = false;
};

TEST_F(ReflectorTest, KeepsWhatItListedAndTellsEachAsAdded) {
  pods_->start();
  EXPECT_FALSE(pods_->synced());
  answer_list("10", {pod("b", "6"), pod("a", "5")});
  EXPECT_TRUE(pods_->synced());
  EXPECT_EQ(pods_->version(), "10");
  EXPECT_EQ(pods_->all().size(), 2u);
  EXPECT_EQ(text(pods_->get("x/a")), "uid-a@5");
  EXPECT_EQ(pods_->get("x/c"), nullptr);
  EXPECT_THAT(changes_, ElementsAre("x/a: none -> uid-a@5", "x/b: none -> uid-b@6"));
}

TEST_F(ReflectorTest, FollowsEvents) {
  sync({pod("a", "5")});
  push(event("MODIFIED", pod("a", "11")));
  push(event("DELETED", pod("a", "12")));
  push(event("DELETED", pod("never", "13")));
  EXPECT_THAT(changes_, ElementsAre("x/a: uid-a@5 -> uid-a@11", "x/a: uid-a@11 -> none"));
  EXPECT_TRUE(pods_->all().empty());
}

TEST_F(ReflectorTest, ASnapshotOutlivesTheCopy) {
  sync({pod("a", "5")});
  const auto old = pods_->get("x/a");
  push(event("MODIFIED", pod("a", "11")));
  EXPECT_EQ(old->version, "5");
}

TEST_F(ReflectorTest, WhatVanishedDuringADisconnectIsRemoved) {
  sync({pod("a", "5"), pod("b", "6"), pod("c", "7")});
  relist({pod("b", "6"), pod("c", "15"), pod("d", "16")});
  EXPECT_THAT(changes_, ElementsAre("x/a: uid-a@5 -> none", "x/c: uid-c@7 -> uid-c@15",
                                    "x/d: none -> uid-d@16"))
      << "b did not change and is not told";
  EXPECT_EQ(pods_->all().size(), 3u);
}

TEST_F(ReflectorTest, ARelistReplacesTheCopyOnlyOnceItIsWhole) {
  sync({pod("a", "5")});
  push(bookmark("11"));
  loop_.advance(2s);
  push(event("ERROR", status(410, "Expired")));
  answer_list("20", {pod("b", "15")}, "more");
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(pods_->all().size(), 1u);
  lose_connection();
  loop_.advance(2s);
  answer_list("21", {pod("a", "5")});
  EXPECT_TRUE(changes_.empty()) << "b came only with the list that broke off";
  EXPECT_EQ(pods_->get("x/b"), nullptr);
}

TEST_F(ReflectorTest, SameNameOtherUidIsRemovedThenAdded) {
  sync({pod("a", "5", "old")});
  push(event("MODIFIED", pod("a", "11", "new")));
  EXPECT_THAT(changes_, ElementsAre("x/a: old@5 -> none", "x/a: none -> new@11"));
}

TEST_F(ReflectorTest, SameNameOtherUidInAListIsRemovedThenAdded) {
  sync({pod("a", "5", "old")});
  relist({pod("a", "15", "new")});
  EXPECT_THAT(changes_, ElementsAre("x/a: old@5 -> none", "x/a: none -> new@15"));
  EXPECT_EQ(text(pods_->get("x/a")), "new@15");
}

TEST_F(ReflectorTest, WhatIsNotOfInterestIsNotKept) {
  sync({pod("a", "5"), skipped(pod("b", "6"))});
  EXPECT_EQ(pods_->all().size(), 1u);
  push(event("MODIFIED", skipped(pod("a", "11"))));
  EXPECT_THAT(changes_, ElementsAre("x/a: uid-a@5 -> none"));
  push(event("MODIFIED", skipped(pod("a", "12"))));
  EXPECT_EQ(changes_.size(), 1u);
}

TEST_F(ReflectorTest, AfterStopInsideACallbackNothingMoreIsTold) {
  stop_at_first_ = true;
  pods_->start();
  answer_list("10", {pod("a", "5"), pod("b", "6")});
  EXPECT_EQ(changes_.size(), 1u);
  EXPECT_EQ(pods_->all().size(), 2u);
  EXPECT_FALSE(newest_.waiting());
}

}  // namespace
}  // namespace berth::kube
