#include "client/src/lease.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() { lease.start(start); }

  Cancel send(Duration deadline, Lease::DoneFn done) {
    sent.push_back(loop.clock().now());
    deadlines.push_back(deadline);
    answer_fn = std::move(done);
    return {};
  }
  // As a session does: the send time counts, then the renewal is told.
  void answer() {
    lease.heard(sent.back());
    answer_fn(true);
  }
  void answer_none() { answer_fn(false); }
  Duration at(std::size_t i) const { return sent.at(i) - start; }

  fakes::ManualLoop loop;
  fakes::SeededRandom random;
  std::vector<TimePoint> sent;
  std::vector<Duration> deadlines;
  Lease::DoneFn answer_fn;
  std::optional<TimePoint> lost;
  const TimePoint start = loop.clock().now();
  Lease lease{
      loop, random, seconds(30),
      [this](Duration deadline, Lease::DoneFn done) { return send(deadline, std::move(done)); },
      [this] { lost = loop.clock().now(); }};
};

TEST_F(LeaseTest, RenewsThreeTimesPerHeartbeatTimeout) {
  for (int i = 0; i < 9; ++i) {
    loop.advance(seconds(10));
    ASSERT_EQ(sent.size(), static_cast<std::size_t>(i + 1));
    answer();
  }
  EXPECT_FALSE(lost);
  EXPECT_EQ(at(8), seconds(90));
  EXPECT_EQ(deadlines.front(), seconds(10));
}

TEST_F(LeaseTest, IsLostOneTimeoutAfterTheLastAnsweredRenewalWasSent) {
  loop.advance(seconds(10));
  loop.advance(seconds(9));
  answer();  // Nine seconds on the way: only the sending counts.
  loop.advance(seconds(100));
  ASSERT_TRUE(lost);
  EXPECT_EQ(*lost - start, seconds(40));
}

TEST_F(LeaseTest, IsLostToTheNanosecondWhenNothingWasEverAnswered) {
  loop.advance(seconds(30) - Duration(1));
  EXPECT_FALSE(lost);
  loop.advance(Duration(1));
  EXPECT_TRUE(lost);
}

TEST_F(LeaseTest, AFailedRenewalIsRepeatedSoon) {
  loop.advance(seconds(10));
  answer_none();
  loop.advance(milliseconds(1200));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_GE(at(1), seconds(10) + milliseconds(750));
  answer();
  EXPECT_FALSE(lost);
}

TEST_F(LeaseTest, FailuresInARowAreBounded) {
  loop.advance(seconds(10));
  while (!lost) {
    if (answer_fn) {
      std::exchange(answer_fn, nullptr)(false);
    }
    loop.advance(milliseconds(50));
  }
  EXPECT_LE(sent.size(), 30u);
  EXPECT_GE(sent.size(), 15u);
}

TEST_F(LeaseTest, NoRenewalIsSentWhileOneIsUnderWay) {
  loop.advance(seconds(29));
  EXPECT_EQ(sent.size(), 1u);
  lease.renew();
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(LeaseTest, OtherAnsweredCallsCountFromTheirSending) {
  loop.advance(seconds(5));
  lease.heard(start + seconds(4));
  loop.advance(seconds(8));
  EXPECT_TRUE(sent.empty());
  loop.advance(seconds(1));
  EXPECT_EQ(sent.size(), 1u);
  EXPECT_EQ(at(0), seconds(14));
}

TEST_F(LeaseTest, ALongPollThatWasSentEarlierChangesNothing) {
  loop.advance(seconds(10));
  answer();
  lease.heard(start + seconds(2));
  EXPECT_EQ(lease.expires() - start, seconds(40));
}

TEST_F(LeaseTest, AnAnswerThatArrivedWhileWeStoodStillIsReadFirst) {
  loop.advance(seconds(10));
  // The process is stopped past the expiry; its answer lies in the socket and is read in the same
  // turn in which the timer is found due.
  loop.manual_clock().set(start + seconds(31));
  loop.post([] {});
  const Cancel read = loop.call_at(start + seconds(31), [this] { answer(); });
  loop.run_ready();
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace berth::client
