#include "gateway/placement/demand_board.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DemandBoardTest : public ::testing::Test {
 protected:
  Cancel wait(std::int64_t after) {
    return board_.wait("ns/p", after, seconds(25), [this] { ++woken_; });
  }
  fakes::ManualLoop loop_;
  DemandBoard board_{loop_, 1000};
  int woken_ = 0;
};

TEST_F(DemandBoardTest, AnswersAtOnceWhenTheVersionDiffers) {
  const Cancel older = wait(999);
  const Cancel newer = wait(1001);
  EXPECT_EQ(woken_, 0) << "never inside the call";
  loop_.run_ready();
  EXPECT_EQ(woken_, 2);
}

TEST_F(DemandBoardTest, WakesAtOnceWhenTheFirstOneWaits) {
  const Cancel poll = wait(1000);
  board_.changed("ns/p", 1);
  loop_.run_ready();
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(board_.version("ns/p"), 1001);
}

TEST_F(DemandBoardTest, EveryChangeOfAShortLineIsToldAtOnce) {
  board_.changed("ns/p", 2);
  const Cancel poll = wait(board_.version("ns/p"));
  board_.changed("ns/p", 1);
  loop_.run_ready();
  EXPECT_EQ(woken_, 1);
}

TEST_F(DemandBoardTest, ChangesOfALongLineAreToldTogether) {
  board_.changed("ns/p", 100);
  const Cancel poll = wait(board_.version("ns/p"));
  board_.changed("ns/p", 101);
  loop_.advance(milliseconds(19));
  board_.changed("ns/p", 102);
  EXPECT_EQ(woken_, 0);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(woken_, 1);
}

TEST_F(DemandBoardTest, WakesAtOnceWhenNobodyWaitsAnyMore) {
  board_.changed("ns/p", 1);
  const Cancel poll = wait(board_.version("ns/p"));
  board_.changed("ns/p", 0);
  loop_.run_ready();
  EXPECT_EQ(woken_, 1);
}

TEST_F(DemandBoardTest, AnotherPoolsChangeWakesNobody) {
  const Cancel poll = wait(1000);
  board_.changed("ns/q", 1);
  loop_.run_ready();
  EXPECT_EQ(woken_, 0);
  EXPECT_EQ(board_.version("ns/p"), 1000);
}

TEST_F(DemandBoardTest, AnswersAfterTheWaitWithoutNews) {
  const Cancel poll = wait(1000);
  loop_.advance(seconds(25) - milliseconds(1));
  EXPECT_EQ(woken_, 0);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(board_.waiters(), 1U) << "until its handle goes";
}

TEST_F(DemandBoardTest, ADroppedPollLeavesNothingBehind) {
  {
    const Cancel poll = wait(1000);
    EXPECT_EQ(board_.waiters(), 1U);
  }
  EXPECT_EQ(board_.waiters(), 0U);
  EXPECT_EQ(loop_.timers(), 0U);
  board_.changed("ns/p", 1);
  loop_.run_ready();
  EXPECT_EQ(woken_, 0);
}

TEST_F(DemandBoardTest, ForgettingAPoolWakesItsPolls) {
  board_.changed("ns/p", 1);
  const Cancel poll = wait(board_.version("ns/p"));
  board_.forget("ns/p");
  loop_.run_ready();
  EXPECT_EQ(woken_, 1);
}

}  // namespace
}  // namespace berth::gateway
