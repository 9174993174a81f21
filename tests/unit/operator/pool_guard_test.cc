#include "operator/controller/pool_guard.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

class PoolGuardTest : public WithFakeApi {
 protected:
  PoolGuardTest() {
    pool_.name = "files";
    pool_.ns = "ns";
    pool_.uid = "u1";
    pool_.resource_version = "7";
    pool_.finalizers = {"other/one"};
  }
  Json patch() { return *parse_json(last_->request().body); }
  void expect_patch() {
    last_ =
        api_.expect_request("PATCH", "/apis/berth.dev/v1alpha1/namespaces/ns/sessionpools/files");
  }
  void answer(int status) {
    last_->answer(http::Response::json(status, R"({"kind": "Status", "reason": "Conflict"})"));
    loop_.run_ready();
  }

  fakes::FakeTransport::CallPtr last_;
  bool may_write_ = true;
  int changes_ = 0;
  PoolGuard guard_{
      loop_, client_, random_, Log(), {[this] { return may_write_; }, [this] { ++changes_; }}};
  PoolObject pool_;
};

TEST_F(PoolGuardTest, AddsItsFinalizerToThoseThatAreThereAndHoldsOnceThatIsWritten) {
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  EXPECT_EQ(patch().at("metadata").at("finalizers"), (Json{"other/one", "berth.dev/drain"}));
  EXPECT_EQ(patch().at("metadata").at("resourceVersion"), "7");
  EXPECT_EQ(patch().at("metadata").at("uid"), "u1");
  EXPECT_FALSE(guard_.hold(pool_)) << "not answered yet";
  EXPECT_EQ(api_.waiting(), 0U) << "asked once";
  answer(200);
  EXPECT_EQ(changes_, 1);
  EXPECT_TRUE(guard_.hold(pool_)) << "before the cache shows it";
}

TEST_F(PoolGuardTest, HoldsWhereItIsAlready) {
  pool_.finalizers = {"berth.dev/drain"};
  EXPECT_TRUE(guard_.hold(pool_));
  EXPECT_TRUE(api_.sent().empty());
}

TEST_F(PoolGuardTest, AConflictIsTriedAgainLater) {
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  answer(409);
  EXPECT_EQ(changes_, 0);
  loop_.advance(1s);
  EXPECT_EQ(changes_, 1);
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
}

TEST_F(PoolGuardTest, AfterAConflictWhatTheCacheShowsNextIsWrittenAtOnce) {
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  answer(409);
  pool_.resource_version = "8";
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  EXPECT_EQ(patch().at("metadata").at("resourceVersion"), "8");
}

TEST_F(PoolGuardTest, AnOverloadedServerIsAskedAgainWhenItWantsAndNotByEachRound) {
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  http::Response overloaded = http::Response::json(429, R"({"kind": "Status"})");
  overloaded.headers.set("Retry-After", "20");
  last_->answer(std::move(overloaded));
  loop_.run_ready();
  EXPECT_FALSE(guard_.hold(pool_));
  EXPECT_EQ(api_.waiting(), 0U);
  loop_.advance(19s);
  EXPECT_EQ(changes_, 0);
  loop_.advance(1s);
  EXPECT_EQ(changes_, 1);
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
}

TEST_F(PoolGuardTest, AnotherPoolOfThatNameNeedsItsOwn) {
  EXPECT_FALSE(guard_.hold(pool_));
  expect_patch();
  answer(200);
  pool_.uid = "u2";
  EXPECT_FALSE(guard_.hold(pool_));
}

TEST_F(PoolGuardTest, TakesOnlyItsOwnOff) {
  pool_.finalizers = {"berth.dev/drain", "other/one"};
  guard_.release(pool_);
  expect_patch();
  EXPECT_EQ(patch().at("metadata").at("finalizers"), (Json{"other/one"}));
}

TEST_F(PoolGuardTest, WritesNothingWithoutTheLease) {
  may_write_ = false;
  EXPECT_FALSE(guard_.hold(pool_));
  EXPECT_TRUE(api_.sent().empty());
}

}  // namespace
}  // namespace berth::op
