#include "operator/track/reaction.h"

#include <gtest/gtest.h>

namespace berth::op {
namespace {

using namespace std::chrono_literals;

class ReactionTest : public ::testing::Test {
 protected:
  TimePoint at(Duration d) const { return start_ + d; }

  const TimePoint start_{1h};
  Reaction reaction_;
};

TEST_F(ReactionTest, CreatesOfTheRoundThatSawMoreDemandCount) {
  reaction_.begin(3, at(0s));
  EXPECT_EQ(reaction_.create_sent(at(2ms)), 2ms);
  EXPECT_EQ(reaction_.create_sent(at(3ms)), 3ms);
  reaction_.end(2);
  reaction_.begin(3, at(1s));
  EXPECT_EQ(reaction_.create_sent(at(1s)), std::nullopt) << "not for more demand";
}

TEST_F(ReactionTest, AHoldCountsFromTheMomentTheDemandWasSeen) {
  reaction_.begin(1, at(0s));
  reaction_.end(1);  // maxWorkersPerMinute lets nothing through
  reaction_.begin(1, at(20s));
  reaction_.end(1);
  reaction_.begin(2, at(30s));  // more of it does not make it younger
  EXPECT_EQ(reaction_.create_sent(at(40s)), 40s);
  reaction_.end(1);
  reaction_.begin(3, at(50s));
  EXPECT_EQ(reaction_.create_sent(at(51s)), 1s);
}

TEST_F(ReactionTest, ASlowStartLetsTheLaterCreatesCountToo) {
  reaction_.begin(4, at(0s));
  EXPECT_EQ(reaction_.create_sent(at(0s)), 0s);
  reaction_.end(3);
  reaction_.begin(4, at(1s));
  EXPECT_EQ(reaction_.create_sent(at(1s)), 1s);
  EXPECT_EQ(reaction_.create_sent(at(1s)), 1s);
  reaction_.end(2);
  reaction_.begin(4, at(2s));
  EXPECT_EQ(reaction_.create_sent(at(2s)), std::nullopt);
}

TEST_F(ReactionTest, ADemandThatIsMetOrGoneBeforeACreateIsForgotten) {
  reaction_.begin(1, at(0s));
  reaction_.end(1);
  reaction_.begin(0, at(5s));
  reaction_.end(0);
  reaction_.begin(1, at(60s));
  EXPECT_EQ(reaction_.create_sent(at(61s)), 1s);
}

// Used and waiting, not the line alone: it was one long before and after.
TEST_F(ReactionTest, OneWhoTookTheOldOnesPlaceInTheLineIsMoreDemand) {
  reaction_.begin(/*waiting*/ 1, at(0s));
  EXPECT_EQ(reaction_.create_sent(at(1ms)), 1ms);
  reaction_.end(1);
  reaction_.begin(/*used*/ 1 + /*waiting*/ 1, at(10s));
  EXPECT_EQ(reaction_.create_sent(at(10s) + 2ms), 2ms);
}

TEST_F(ReactionTest, TheTimeThatNewsWaitedForTheirRoundCounts) {
  reaction_.heard(at(10ms));
  reaction_.heard(at(14ms));
  reaction_.begin(1, at(15ms));
  EXPECT_EQ(reaction_.create_sent(at(16ms)), 6ms);
  reaction_.end(1);
  reaction_.begin(2, at(30ms));
  EXPECT_EQ(reaction_.create_sent(at(31ms)), 1ms) << "those news were of the round before";
}

}  // namespace
}  // namespace berth::op
