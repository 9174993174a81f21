#include "berth/base/event_loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "tests/fakes/manual_loop.h"

namespace berth {
namespace {
using namespace std::chrono_literals;

TEST(AsioLoop, RunsTimersInOrderOfTimeThenOfAsking) {
  AsioLoop loop;
  std::string order;
  const TimePoint t = loop.clock().now() + 2ms;
  Cancel c = loop.call_at(t + 1ms, [&] {
    order += 'c';
    loop.stop();
  });
  Cancel a = loop.call_at(t, [&] { order += 'a'; });
  Cancel b = loop.call_at(t, [&] { order += 'b'; });
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(AsioLoop, ADestroyedHandleCancels) {
  AsioLoop loop;
  bool ran = false;
  {
    Cancel gone = loop.call_after(0ms, [&] { ran = true; });
  }
  Cancel end = loop.call_after(2ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(AsioLoop, ATimerMayDestroyAnotherThatIsDueToo) {
  AsioLoop loop;
  bool ran = false;
  const TimePoint t = loop.clock().now();
  Cancel second;
  Cancel first = loop.call_at(t, [&] { second.cancel(); });
  second = loop.call_at(t, [&] { ran = true; });
  Cancel end = loop.call_after(2ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(AsioLoop, ATimerThatRearmsItselfAtOnceDoesNotStarvePosts) {
  AsioLoop loop;
  Cancel timer;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 3) {
      loop.post([&] { loop.stop(); });
    }
    timer = loop.call_after(0ms, again);
  };
  timer = loop.call_after(0ms, again);
  loop.run();
  EXPECT_GE(rounds, 3);
}

TEST(AsioLoop, TakesPostsFromOtherThreads) {
  AsioLoop loop;
  std::thread other([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  other.join();
}

void expect_it_runs(AsioLoop& loop) {
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

// As when another thread is done before this one has begun to wait for it.
TEST(AsioLoop, AStopAheadOfTheRunEndsThatRunAndNoOther) {
  AsioLoop loop;
  bool late = false;
  const Cancel guard = loop.call_after(10s, [&] {
    late = true;
    loop.stop();
  });
  loop.stop();
  loop.run();
  EXPECT_FALSE(late);
  expect_it_runs(loop);
}

TEST(AsioLoop, ALoopThatEndedWithNothingToDoRunsAgain) {
  AsioLoop loop;
  loop.post([&] { loop.stop(); });
  loop.run();
  expect_it_runs(loop);
}

TEST(AsioLoop, DeliversSignalsThatTheParentLeftBlocked) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  AsioLoop loop;
  int got = 0;
  Cancel handler = loop.on_signals({SIGUSR2}, [&](int s) {
    got = s;
    loop.stop();
  });
  ::raise(SIGUSR2);
  const Cancel late = loop.call_after(10s, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(got, SIGUSR2);
}

TEST(AsioLoop, DeliversSignals) {
  AsioLoop loop;
  int got = 0;
  Cancel handler = loop.on_signals({SIGUSR1}, [&](int s) {
    got = s;
    loop.stop();
  });
  loop.post([] { ::kill(::getpid(), SIGUSR1); });
  loop.run();
  EXPECT_EQ(got, SIGUSR1);
}

TEST(ManualLoop, StopsAtEachTimerOnTheWay) {
  fakes::ManualLoop loop;
  const TimePoint start = loop.clock().now();
  std::vector<Duration> seen;
  Cancel a = loop.call_after(3s, [&] { seen.push_back(loop.clock().now() - start); });
  Cancel b = loop.call_after(1s, [&] { seen.push_back(loop.clock().now() - start); });
  loop.advance(5s);
  EXPECT_EQ(seen, (std::vector<Duration>{1s, 3s}));
  EXPECT_EQ(loop.clock().now() - start, 5s);
}

TEST(ManualLoop, AStallRunsEverythingLate) {
  fakes::ManualLoop loop;
  const TimePoint start = loop.clock().now();
  Duration seen{};
  Cancel a = loop.call_after(1s, [&] { seen = loop.clock().now() - start; });
  loop.stall(10s);
  EXPECT_EQ(seen, 10s);
}

}  // namespace
}  // namespace berth
