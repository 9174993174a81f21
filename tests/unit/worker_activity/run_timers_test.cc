#include "worker/activity/run_timers.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;

class RunTimersTest : public ::testing::Test {
 protected:
  RunTimers make(std::optional<Duration> start_to_close, std::optional<Duration> heartbeat) {
    return RunTimers(loop_, start_to_close, 60s, heartbeat,
                     [this](const api::ActivityFailure& f) { expired_ += f.type + " "; });
  }
  fakes::ManualLoop loop_;
  std::string expired_;
};

TEST_F(RunTimersTest, ExpireAtTheCallersTimeoutOrThePoolsBound) {
  const RunTimers asked = make(10s, std::nullopt);
  loop_.advance(9s);
  EXPECT_EQ(expired_, "");
  loop_.advance(1s);
  EXPECT_EQ(expired_, "Timeout ");
  const RunTimers too_much = make(1h, std::nullopt);
  loop_.advance(60s);
  EXPECT_EQ(expired_, "Timeout Timeout ");
}

TEST_F(RunTimersTest, ProgressPutsTheHeartbeatTimeoutOff) {
  RunTimers timers = make(std::nullopt, 5s);
  for (int i = 0; i < 10; ++i) {
    loop_.advance(4s);
    timers.heard();
  }
  EXPECT_EQ(expired_, "");
  loop_.advance(5s - 1ns);
  EXPECT_EQ(expired_, "");
  loop_.advance(1ns);
  EXPECT_EQ(expired_, "HeartbeatTimeout ");
}

TEST_F(RunTimersTest, ExpireOnce) {
  const RunTimers timers = make(10s, 5s);
  loop_.advance(1h);
  EXPECT_EQ(expired_, "HeartbeatTimeout ");
}

TEST_F(RunTimersTest, DoNotExpireOnceStopped) {
  RunTimers timers = make(10s, 5s);
  timers.stop();
  loop_.advance(1h);
  EXPECT_EQ(expired_, "");
}

}  // namespace
}  // namespace berth::worker
