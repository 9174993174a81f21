#include "worker/activity/run_reporter.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"
#include "worker/activity/outcome.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;

class RunReporterTest : public ::testing::Test {
 protected:
  RunReporterTest() {
    ActivityEvents events;
    events.progress = [this](const Json& p) { told_ += "progress " + p.dump() + "; "; };
    events.stderr_tail = [this](const std::string& t) { told_ += "stderr " + t + "; "; };
    events.process_group = [this](int g) { told_ += "group " + std::to_string(g) + "; "; };
    events.done = [this](const ActivityOutcome&) {
      told_ += "done; ";
      reporter_.reset();
    };
    reporter_.emplace(loop_, std::move(events), [] { return std::string("tail"); });
  }
  std::string told() {
    loop_.run_ready();
    return std::exchange(told_, {});
  }
  fakes::ManualLoop loop_;
  std::string told_;
  std::optional<RunReporter> reporter_;
};

TEST_F(RunReporterTest, TellsNothingInsideTheCallThatCausedIt) {
  reporter_->process_group(7);
  reporter_->progress(1);
  reporter_->done(succeeded(1));
  EXPECT_EQ(told_, "");
  EXPECT_EQ(told(), "group 7; progress 1; done; ");
}

TEST_F(RunReporterTest, TellsTheNewestProgressAtAPace) {
  reporter_->progress(1);
  EXPECT_EQ(told(), "progress 1; ");
  reporter_->progress(2);
  reporter_->progress(3);
  EXPECT_EQ(told(), "");
  loop_.advance(100ms);
  EXPECT_EQ(told(), "progress 3; ");
}

TEST_F(RunReporterTest, TellsTheTailOfStderrAtAPaceToo) {
  reporter_->stderr_grew();
  reporter_->stderr_grew();
  EXPECT_EQ(told(), "stderr tail; ");
  reporter_->stderr_grew();
  EXPECT_EQ(told(), "");
  loop_.advance(100ms);
  EXPECT_EQ(told(), "stderr tail; ");
}

TEST_F(RunReporterTest, NothingIsLostAtTheEndAndDoneIsLast) {
  reporter_->progress(1);
  told();
  reporter_->progress(2);
  reporter_->stderr_grew();
  reporter_->done(succeeded(1));
  reporter_->done(failed("Second", ""));
  EXPECT_EQ(told(), "progress 2; stderr tail; done; ");
  loop_.advance(1s);
  EXPECT_EQ(told(), "");
}

TEST_F(RunReporterTest, TellsNothingOnceItIsGone) {
  reporter_->progress(1);
  reporter_->process_group(7);
  reporter_->done(succeeded(1));
  reporter_.reset();
  EXPECT_EQ(told(), "");
}

TEST(ApplicationFailure, IsReadAndCutToSize) {
  const auto failure = application_failure(
      {{"error",
        {{"type", std::string(200, 't')}, {"message", std::string(4095, 'm') + "\u00e4"}}}});
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->type.size(), 128U);
  EXPECT_EQ(failure->message, std::string(4095, 'm'));
  EXPECT_TRUE(failure->retryable);
}

TEST(ApplicationFailure, AnythingElseIsNone) {
  EXPECT_FALSE(application_failure(Json()));
  EXPECT_FALSE(application_failure({{"error", "text"}}));
  EXPECT_FALSE(application_failure({{"error", {{"message", "x"}}}}));
  EXPECT_FALSE(application_failure({{"error", {{"type", 1}}}}));
}

}  // namespace
}  // namespace berth::worker
