#pragma once

#include "tests/unit/kube/watch_harness.h"

namespace berth::kube {

/// An untyped reflector on pods; what it reports becomes one word each: "[", "+a@5", "-x/a", "]".
class CoreHarness : public WatchHarness {
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
    const std::size_t before = asked();
    loop_.advance(quiet - Duration(1));
    EXPECT_EQ(asked(), before) << "asked too early";
    loop_.advance(latest - quiet + Duration(1));
    EXPECT_EQ(asked(), before + 1) << "did not ask again";
  }
  std::unique_ptr<ReflectorCore> core_;
  std::vector<std::string> said_;
  std::string stop_at_;
};

}  // namespace berth::kube
