#include "tests/unit/gateway/support/gateway_fixture.h"

/// A session is demand until it is placed, and a used slot after that. The operator adds the two
/// up, so a session that counts as both for a moment makes it start a worker too many.
namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;

class DemandOrderTest : public GatewayTest {
 protected:
  std::shared_ptr<FakeExchange> demand(const std::string& more = "") {
    return call("GET", "/v1/demand?namespace=default&pool=files" + more, "", operator_token());
  }
  /// An operator's poll that knows the present state and waits for the next.
  std::shared_ptr<FakeExchange> poll() {
    const auto version = get_int(demand()->body(), "version").value_or(-1);
    auto out = demand("&wait=25&replica=gw-1&after=" + std::to_string(version));
    EXPECT_FALSE(out->answered());
    return out;
  }
  static std::int64_t waiting_in(const std::shared_ptr<FakeExchange>& answer) {
    return answer->answered() ? get_int(answer->body(), "waitingTotal").value_or(-1) : -1;
  }
};

TEST_F(DemandOrderTest, SessionsLeaveTheDemandBeforeAnyWorkerHearsOfThem) {
  for (int i = 0; i < 6; ++i) {
    create("s" + std::to_string(i));
  }
  const auto told = poll();
  net_.hold("POST");
  add_worker("w1", 4);
  EXPECT_EQ(net_.held("POST").size(), 4U);
  EXPECT_TRUE(net_.worker("w1").sessions.empty());
  EXPECT_EQ(waiting_in(told), 2) << "told in one piece, while the creates are still on their way";
}

TEST_F(DemandOrderTest, APollThatComesWhileSessionsArePlacedIsAnsweredAtOnce) {
  for (int i = 0; i < 6; ++i) {
    create("s" + std::to_string(i));
  }
  const auto before = get_int(demand()->body(), "version").value_or(-1);
  net_.hold("POST");
  add_worker("w1", 4);
  const auto late = demand("&wait=25&replica=gw-1&after=" + std::to_string(before));
  EXPECT_EQ(waiting_in(late), 2);
}

TEST_F(DemandOrderTest, ARefusedSessionIsDemandAgainAtOnce) {
  create("s1");
  create("s2");
  net_.hold("POST");
  add_worker("w1", 2);
  const auto told = poll();
  net_.answer(net_.held("POST").at(0),
              http::error_response(Error::make(ErrorCode::kResourceExhausted, "NoFreeSlot", "")));
  loop_.run_ready();
  EXPECT_EQ(waiting_in(told), 1);
}

TEST_F(DemandOrderTest, ALongLineTellsOfPlacedSessionsWithinTwentyMilliseconds) {
  for (int i = 0; i < 200; ++i) {
    create("s" + std::to_string(i));
  }
  const auto told = poll();
  net_.hold("POST");
  add_worker("w1", 4);
  EXPECT_FALSE(told->answered()) << "two hundred ids are not told for each that leaves";
  loop_.advance(milliseconds(20));
  EXPECT_EQ(waiting_in(told), 196);
}

}  // namespace
}  // namespace berth::gateway::testing
