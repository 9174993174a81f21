#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

class ProbesTest : public ServiceTest {
 protected:
  std::shared_ptr<FakeExchange> probe(const std::string& target) {
    return call(probes_, "GET", target);
  }
};

TEST_F(ProbesTest, ReadyTellsWhatIsMissingAndNeverCordonedOrFull) {
  EXPECT_EQ(probe("/readyz")->status(), 200);
  post("/v1/cordon", {{"epoch", 1}});
  EXPECT_EQ(probe("/readyz")->status(), 200);
  ready_ = fail(Error::internal("no keys yet"));
  EXPECT_EQ(probe("/readyz")->status(), 503);
  EXPECT_EQ(probe("/healthz")->status(), 200);
}

TEST_F(ProbesTest, MetricsAreInPrometheusFormat) {
  const auto e = probe("/metrics");
  EXPECT_EQ(e->answer->headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(e->answer->body, ::testing::HasSubstr("berth_worker_sessions_open"));
}

TEST_F(ProbesTest, TheProbePortServesNothingThatNeedsCredentials) {
  EXPECT_EQ(probe("/v1/slots")->status(), 404);
  EXPECT_EQ(probe("/v1/sessions")->status(), 404);
}

TEST_F(ProbesTest, DrainedAnswersAfterFiveSecondsIfThePodIsNotStopping) {
  const auto e = probe("/drained");
  loop_.advance(5s - 1ns);
  EXPECT_FALSE(e->answered());
  loop_.advance(1ns);
  EXPECT_EQ(e->status(), 200);
}

TEST_F(ProbesTest, DrainedWaitsForTheLastSessionOnceTheSignalHasCome) {
  open("s1", {{"heartbeatTimeout", "10m"}});
  const auto early = probe("/drained");
  loop_.advance(3s);
  bool exited = false;
  service_->shut_down(1h, [&] { exited = true; });
  const auto late = probe("/drained");
  loop_.advance(5min);
  EXPECT_FALSE(early->answered());
  EXPECT_FALSE(late->answered());
  remove(path("s1"), token("s1"));
  EXPECT_TRUE(early->answered());
  EXPECT_TRUE(late->answered());
  EXPECT_TRUE(exited);
  EXPECT_EQ(probe("/drained")->status(), 200);
}

TEST_F(ProbesTest, AKubeletThatHangsUpOnDrainedIsForgotten) {
  const auto e = probe("/drained");
  e->leave();
  loop_.advance(10s);
  EXPECT_FALSE(e->answered());
}

}  // namespace
}  // namespace berth::worker
