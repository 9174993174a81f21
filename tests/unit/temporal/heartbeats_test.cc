#include "temporal/session/heartbeats.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/fakes/manual_loop.h"
#include "tests/unit/temporal/fake_service.h"

namespace berth::temporal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class HeartbeatsTest : public testing::Test {
 protected:
  void start(Duration timeout, bool at_once = false) {
    heartbeats.emplace(loop, service, "t", timeout,
                       Heartbeats::Hooks{.cancel_requested = [this] { ++cancels; },
                                         .gone = [this](const Error& e) { gone = e.code; }},
                       Log());
    heartbeats->start(at_once);
  }

  fakes::ManualLoop loop;
  FakeService service{loop};
  std::optional<Heartbeats> heartbeats;
  int cancels = 0;
  std::optional<ErrorCode> gone;
};

TEST_F(HeartbeatsTest, BeatsThreeTimesPerTimeout) {
  start(seconds(6));
  loop.advance(seconds(60));
  EXPECT_EQ(service.beats("t"), 30u);
}

TEST_F(HeartbeatsTest, AtLeastEveryTenSecondsAlsoWithoutATimeout) {
  start(Duration(0));
  loop.advance(seconds(60));
  EXPECT_EQ(service.beats("t"), 6u);
}

TEST_F(HeartbeatsTest, AtOnceWhereNobodyHasBeatenForAWhile) {
  start(seconds(30), true);
  loop.run_ready();
  EXPECT_EQ(service.beats("t"), 1u);
}

TEST_F(HeartbeatsTest, CarriesTheNewestDetails) {
  start(seconds(6));
  heartbeats->set_details({{"percent", 10}});
  heartbeats->set_details({{"percent", 20}});
  loop.advance(seconds(2));
  ASSERT_EQ(service.heartbeats.size(), 1u);
  EXPECT_EQ(service.heartbeats[0].second, Json({{"percent", 20}}));
}

TEST_F(HeartbeatsTest, TellsOfACancelOnceAndGoesOn) {
  service.heartbeat_answers["t"] = true;
  start(seconds(6));
  loop.advance(seconds(60));
  EXPECT_EQ(cancels, 1);
  EXPECT_EQ(service.beats("t"), 30u);
}

TEST_F(HeartbeatsTest, ATaskThatIsNoLongerThereIsGone) {
  service.heartbeat_answers["t"] = fail(Error::make(ErrorCode::kNotFound, "", "completed"));
  start(seconds(6));
  loop.advance(seconds(60));
  EXPECT_EQ(gone, ErrorCode::kNotFound);
  EXPECT_EQ(service.beats("t"), 1u);
}

TEST_F(HeartbeatsTest, RepeatsWhatGotNoAnswerAndForgivesAnOutage) {
  service.heartbeat_answers["t"] = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  start(seconds(30));
  loop.advance(seconds(10) + minutes(4));
  EXPECT_FALSE(gone);
  EXPECT_EQ(service.beats("t"), 1u + 240u);
  service.heartbeat_answers.clear();
  loop.advance(minutes(10));
  EXPECT_FALSE(gone);
}

TEST_F(HeartbeatsTest, GivesUpAfterFiveMinutesWithoutAnAnswer) {
  service.heartbeat_answers["t"] = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  start(seconds(30));
  loop.advance(minutes(6));
  EXPECT_EQ(gone, ErrorCode::kUnavailable);
}

TEST_F(HeartbeatsTest, LooksAtOnceWhenThereIsAHint) {
  start(seconds(30));
  heartbeats->look();
  heartbeats->look();
  loop.run_ready();
  EXPECT_EQ(service.beats("t"), 1u);
}

TEST_F(HeartbeatsTest, MayBeDestroyedByWhatItTells) {
  service.heartbeat_answers["t"] = true;
  heartbeats.emplace(
      loop, service, "t", seconds(6),
      Heartbeats::Hooks{.cancel_requested = [this] { heartbeats.reset(); }, .gone = {}}, Log());
  heartbeats->start(true);
  loop.advance(minutes(1));
  EXPECT_EQ(service.beats("t"), 1u);
}

}  // namespace
}  // namespace berth::temporal
