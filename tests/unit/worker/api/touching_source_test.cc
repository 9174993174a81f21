#include "worker/api/touching_source.h"

#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

class TouchingSourceTest : public ServiceTest {
 protected:
  TouchingSourceTest() {
    sessions_.idle_timeout = 5s;
    make();
    EXPECT_EQ(open("s1", {{"heartbeatTimeout", "5m"}})->status(), 201);
  }
  /// The owner renews, and does nothing else, until `d` is over.
  void renew_for(Duration d) {
    for (Duration passed{0}; passed < d; passed += 1s) {
      loop_.advance(1s);
      post(path("s1", "/heartbeat"), Json::object(), token("s1"));
    }
  }
  std::string state() {
    const Json body = get(path("s1"), token("s1"))->body();
    return string_at(body, {"state"}) + " " + string_at(body, {"endReason"});
  }
};

TEST_F(TouchingSourceTest, ARenewedSessionWithoutWorkEndsIdle) {
  renew_for(4s);
  EXPECT_EQ(state(), "Open ");
  renew_for(1s);
  EXPECT_EQ(state(), "Ended IdleTimeout");
  EXPECT_EQ(metric("berth_worker_sessions_ended_total{reason=\"IdleTimeout\"}"), "1");
}

TEST_F(TouchingSourceTest, ATransferLongerThanTheIdleTimeoutKeepsItsSession) {
  TouchingSource file(http::string_source(std::string(1u << 20, 'x')), *service_,
                      api::SessionId("s1"));
  EXPECT_EQ(file.length(), 1u << 20);
  std::size_t moved = 0;
  for (int i = 0; i < 4; ++i) {
    renew_for(3s);
    file.next([&](Result<std::string> chunk) { moved += chunk ? chunk->size() : 0; });
  }
  EXPECT_GT(moved, 0U);
  EXPECT_EQ(state(), "Open ");
  renew_for(5s);
  EXPECT_EQ(state(), "Ended IdleTimeout") << "it moved, and then it did not";
}

}  // namespace
}  // namespace berth::worker
