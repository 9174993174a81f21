#include "operator/track/demand_tracker.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_transport.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

class DemandTrackerTest : public testing::Test {
 protected:
  DemandTrackerTest() {
    tracker_.set_gateways({{"http://gw"}, true});
    tracker_.add_pool("default", "files");
  }

  static http::Response demand(int version, const std::string& id) {
    api::Demand d;
    d.replica = "gw";
    d.version = version;
    d.ns = "default";
    d.pool = "files";
    d.waiting.push_back({api::SessionId(id), {}, 0s});
    d.waiting_total = 1;
    return http::Response::json(200, dump_json(to_json(d)));
  }
  fakes::FakeTransport::CallPtr poll() { return transport_.expect_request("GET", "/v1/demand"); }
  bool readable() { return tracker_.demand("default", "files").readable; }
  bool silent() { return tracker_.demand("default", "files").silent; }
  std::size_t waiting() { return tracker_.demand("default", "files").waiting.size(); }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  fakes::FakeTransport transport_{loop_};
  auth::TokenSigner signer_{*auth::SigningKey::generate(auth::Scope::kOperate, random_), "test",
                            loop_.clock()};
  int changes_ = 0;
  DemandTracker tracker_{loop_,   transport_, signer_,
                         random_, {25s, 15s}, [this](const std::string&) {
        ++changes_; }};
};

TEST_F(DemandTrackerTest, AnswersReplaceEachOtherAndTheNextPollResumes) {
  EXPECT_FALSE(readable());
  EXPECT_FALSE(silent()) << "it was asked a moment ago";
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  EXPECT_TRUE(readable());
  EXPECT_EQ(waiting(), 1U);
  EXPECT_EQ(changes_, 1);
  EXPECT_NE(poll()->request().target.find("&replica=gw&after=1"), std::string::npos);
}

TEST_F(DemandTrackerTest, AfterAFailureAnyAnswerWillDo) {
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  poll()->fail_lost();
  loop_.run_ready();
  loop_.advance(1s);
  // Resuming would wait for a change, up to 25 s, while nobody knows whether the gateway is back.
  EXPECT_EQ(poll()->request().target.find("&after="), std::string::npos);
}

TEST_F(DemandTrackerTest, AGatewayThatFallsSilentIsUnreadableUntilItAnswers) {
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  loop_.advance(39s);
  EXPECT_TRUE(readable());
  loop_.advance(1s);
  EXPECT_FALSE(readable());
  EXPECT_TRUE(silent());
  transport_.on("GET", "/v1/demand", [](const http::Request&) { return demand(1, "a"); });
  loop_.advance(40s);
  EXPECT_TRUE(readable());
}

TEST_F(DemandTrackerTest, ANewGatewayIsAskedAndUntilItAnsweredNothingIsKnown) {
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  const auto resumed = poll();
  tracker_.set_gateways({{"http://gw", "http://gw2"}, true});
  EXPECT_FALSE(readable());
  EXPECT_FALSE(resumed->cancelled()) << "the one that stays is not asked anew";
  const auto second = poll();
  EXPECT_EQ(second->origin(), "http://gw2");
  second->answer(demand(1, "b"));
  loop_.run_ready();
  EXPECT_TRUE(readable());
  EXPECT_EQ(waiting(), 2U);
}

TEST_F(DemandTrackerTest, AGatewayThatLeftCountsForNothing) {
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  const auto resumed = poll();
  const int before = changes_;
  tracker_.set_gateways({{"http://gw2"}, true});
  EXPECT_TRUE(resumed->cancelled());
  EXPECT_EQ(changes_, before + 1);
  EXPECT_EQ(waiting(), 0U);
  EXPECT_FALSE(readable());
}

TEST_F(DemandTrackerTest, WhileTheGatewaysAreNotKnownDemandIsUnreadable) {
  poll()->answer(demand(1, "a"));
  loop_.run_ready();
  tracker_.set_gateways({{"http://gw"}, false});
  EXPECT_FALSE(readable());
  EXPECT_TRUE(silent());
  EXPECT_EQ(waiting(), 1U) << "what is known to wait is still served";
  tracker_.set_gateways({{}, false});
  EXPECT_FALSE(readable());
}

}  // namespace
}  // namespace berth::op
