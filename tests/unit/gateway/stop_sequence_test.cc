#include "gateway/stop_sequence.h"

#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeServer final : public http::Server {
 public:
  const std::string& address() const override { return address_; }
  std::uint16_t port() const override { return 7070; }
  std::size_t connections() const override { return 0; }
  void drain(Duration grace, std::function<void()> done) override {
    drained_with = grace;
    drained = std::move(done);
  }

  std::optional<Duration> drained_with;
  std::function<void()> drained;

 private:
  std::string address_ = "127.0.0.1:7070";
};

class StopSequenceTest : public GatewayTest {
 protected:
  StopSequenceTest() {
    gateway_->add_probe_routes(router_);
    stop_.emplace(loop_, *gateway_, server_,
                  StopSequence::Settings{.drain = seconds(5), .grace = seconds(10)}, Log());
  }
  void stop() {
    stop_->start([this] { stopped_ = true; });
  }
  int readyz() { return call("GET", "/readyz", "", "")->status(); }

  FakeServer server_;
  std::optional<StopSequence> stop_;
  bool stopped_ = false;
};

TEST_F(StopSequenceTest, IsNotReadyAtOnceAndServesOn) {
  add_worker("w1");
  EXPECT_EQ(readyz(), 200);
  stop();
  EXPECT_EQ(readyz(), 503);
  EXPECT_EQ(create("s1")->status(), 201);
  loop_.advance(seconds(5) - milliseconds(1));
  EXPECT_EQ(create("s2")->status(), 201);
  EXPECT_FALSE(server_.drained_with) << "still accepting";
}

TEST_F(StopSequenceTest, AfterTheDrainTimeWaitingCallersAreSentElsewhere) {
  const auto waiting = create("s1");
  stop();
  loop_.advance(seconds(4));
  EXPECT_FALSE(waiting->answered());
  loop_.advance(seconds(1));
  EXPECT_EQ(waiting->status(), 503);
  EXPECT_EQ(waiting->code(), "ShuttingDown");
  EXPECT_EQ(waiting->answer()->headers.get("Connection"), "close");
  EXPECT_EQ(server_.drained_with, seconds(10));
  EXPECT_EQ(create("s2")->code(), "ShuttingDown");
}

TEST_F(StopSequenceTest, EndsWhenConnectionsAndCreatesAreBothDone) {
  add_worker("w1");
  net_.hold("POST");
  stop();
  loop_.advance(seconds(4));
  const auto placing = create("s1");
  loop_.advance(seconds(1));
  server_.drained();
  loop_.run_ready();
  EXPECT_FALSE(stopped_) << "a create is on its way";
  net_.carry_out(net_.held("POST").at(0));
  loop_.run_ready();
  EXPECT_EQ(placing->status(), 201);
  EXPECT_TRUE(stopped_);
}

TEST_F(StopSequenceTest, WaitsForStreamsThatPassThrough) {
  stop();
  loop_.advance(seconds(5));
  EXPECT_FALSE(stopped_);
  server_.drained();
  EXPECT_TRUE(stopped_);
}

TEST_F(StopSequenceTest, AServerThatCallsBackLaterFindsNobody) {
  stop();
  loop_.advance(seconds(5));
  stop_.reset();
  server_.drained();
  EXPECT_FALSE(stopped_);
}

}  // namespace
}  // namespace berth::gateway::testing
