#include "operator/track/drain_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Worker worker(const std::string& uid, api::WorkerState state) {
  Worker w;
  w.name = uid;
  w.uid = uid;
  w.ready = true;
  w.never_started = false;
  w.slots = api::Slots();
  w.slots->state = state;
  return w;
}

class DrainTrackerTest : public ::testing::Test {
 protected:
  std::vector<Duration> update(const std::vector<Worker>& workers, Duration at) {
    return tracker_.update(workers, start_ + at);
  }
  std::optional<Duration> oldest() const {
    const auto since = tracker_.oldest();
    return since ? std::optional(*since - start_) : std::nullopt;
  }

  const TimePoint start_{1h};
  DrainTracker tracker_;
};

TEST_F(DrainTrackerTest, ADrainLastsFromTheLastNewSessionToTheEndOfThePod) {
  EXPECT_THAT(update({worker("a", api::WorkerState::kActive)}, 0s), IsEmpty());
  EXPECT_EQ(oldest(), std::nullopt);
  EXPECT_THAT(update({worker("a", api::WorkerState::kCordoned)}, 10s), IsEmpty());
  EXPECT_THAT(update({worker("a", api::WorkerState::kRetired)}, 20s), IsEmpty());
  Worker deleting = worker("a", api::WorkerState::kRetired);
  deleting.deleting = true;
  EXPECT_THAT(update({deleting}, 30s), IsEmpty());
  EXPECT_EQ(oldest(), 10s);
  EXPECT_THAT(update({}, 45s), ElementsAre(Duration(35s)));
  EXPECT_EQ(oldest(), std::nullopt);
}

TEST_F(DrainTrackerTest, TheOldestIsTheOneThatBeganFirst) {
  update({worker("a", api::WorkerState::kActive), worker("b", api::WorkerState::kCordoned)}, 5s);
  update({worker("a", api::WorkerState::kDraining), worker("b", api::WorkerState::kCordoned)}, 6s);
  EXPECT_EQ(oldest(), 5s);
  EXPECT_THAT(update({worker("a", api::WorkerState::kDraining)}, 7s), ElementsAre(Duration(2s)));
  EXPECT_EQ(oldest(), 6s);
}

TEST_F(DrainTrackerTest, ACordonTakenBackIsNoDrain) {
  update({worker("a", api::WorkerState::kCordoned)}, 0s);
  EXPECT_THAT(update({worker("a", api::WorkerState::kActive)}, 5s), IsEmpty());
  EXPECT_EQ(oldest(), std::nullopt);
}

TEST_F(DrainTrackerTest, AWorkerThatFallsSilentWhileItDrainsGoesOnDrainingAndAFailedOneIsOver) {
  update({worker("a", api::WorkerState::kCordoned)}, 0s);
  Worker silent = worker("a", api::WorkerState::kCordoned);
  silent.silent = true;
  EXPECT_THAT(update({silent}, 60s), IsEmpty());
  EXPECT_EQ(oldest(), 0s);
  Worker failed = silent;
  failed.finished = true;
  EXPECT_THAT(update({failed}, 90s), ElementsAre(Duration(90s)));
  EXPECT_THAT(update({failed}, 91s), IsEmpty());
}

TEST_F(DrainTrackerTest, AWorkerThatOnlyFallsSilentDoesNotDrain) {
  Worker silent = worker("a", api::WorkerState::kActive);
  silent.silent = true;
  EXPECT_THAT(update({silent}, 60s), IsEmpty());
  EXPECT_EQ(oldest(), std::nullopt);
}

}  // namespace
}  // namespace berth::op
