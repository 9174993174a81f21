#include "worker/activity/function_executor.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <stdexcept>

#include "tests/unit/worker_activity/activity_fixture.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

// Blocks until a stop is requested.
void await_stop(ActivityContext& context) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait(lock, context.stop_token(), [] { return false; });
}

class FunctionExecutorTest : public ActivityTest {
 protected:
  Seen& start_function(ActivityFunction function, ActivityTask t, FunctionLimits limits = {}) {
    executors_.push_back(
        std::make_shared<FunctionExecutor>(loop_, pool_, std::move(function), log_, limits));
    return start(*executors_.back(), std::move(t));
  }
  ActivityOutcome outcome_of_function(ActivityFunction function, Json input = nullptr) {
    Seen& seen = start_function(std::move(function), task(std::move(input)));
    run_until_done(seen);
    return seen.outcome.value_or(ActivityOutcome{});
  }
  ThreadPool pool_{2, 1};
};

TEST_F(FunctionExecutorTest, AResultThatIsNotUtf8FailsIt) {
  const auto outcome = outcome_of_function(
      [](ActivityContext&, const Json&) -> Result<Json> {
        return Json{{"name", "a\xff"}};
      },
      0);
  EXPECT_EQ(failure_type(outcome), "InvalidOutput");
  EXPECT_NE(outcome.failure->message.find("result.name"), std::string::npos)
      << outcome.failure->message;
}

TEST_F(FunctionExecutorTest, ReturnsItsResult) {
  const auto outcome = outcome_of_function(
      [](ActivityContext& context, const Json& input) -> Result<Json> {
        return Json{{"twice", input.get<int>() * 2},
                    {"session", context.session_id()},
                    {"activity", context.activity_id()},
                    {"directory", context.directory().string()}};
      },
      21);
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_EQ(outcome.result, (Json{{"twice", 42},
                                  {"session", "s1"},
                                  {"activity", "a1"},
                                  {"directory", folder_.path().string()}}));
}

TEST_F(FunctionExecutorTest, AnErrorIsItsFailure) {
  const auto outcome = outcome_of_function([](ActivityContext&, const Json&) -> Result<Json> {
    return fail(Error::make(ErrorCode::kUnavailable, "NoGpu", "the GPU is busy"));
  });
  EXPECT_EQ(outcome.state, ActivityState::kFailed);
  EXPECT_EQ(failure_type(outcome), "NoGpu");
  EXPECT_TRUE(outcome.failure->retryable);
}

TEST_F(FunctionExecutorTest, AnExceptionIsCaught) {
  EXPECT_EQ(failure_type(outcome_of_function([](ActivityContext&, const Json&) -> Result<Json> {
              throw std::runtime_error("oops");
            })),
            "Internal");
  EXPECT_EQ(failure_type(outcome_of_function(
                [](ActivityContext&, const Json&) -> Result<Json> { throw 7; })),
            "Internal");
}

TEST_F(FunctionExecutorTest, TheNewestProgressArrivesHoweverManyThereWere) {
  Seen& seen = start_function(
      [](ActivityContext& context, const Json&) -> Result<Json> {
        for (int i = 0; i <= 100'000; ++i) {
          context.progress(i);
        }
        return Json("done");
      },
      task());
  run_until_done(seen);
  ASSERT_FALSE(seen.progress.empty());
  EXPECT_EQ(seen.progress.back(), 100'000);
  EXPECT_LT(seen.progress.size(), 100U);
}

TEST_F(FunctionExecutorTest, ACancelIsSeenThroughTheStopToken) {
  std::latch running(1);
  Seen& seen = start_function(
      [&](ActivityContext& context, const Json&) -> Result<Json> {
        running.count_down();
        await_stop(context);
        return fail(Error::make(ErrorCode::kCancelled, "Stopped", "told to"));
      },
      task());
  running.wait();
  seen.run->cancel("SessionEnded");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
  EXPECT_EQ(failure_type(*seen.outcome), "SessionEnded");
}

TEST_F(FunctionExecutorTest, ASuccessThatComesAfterACancelCounts) {
  std::latch running(1);
  Seen& seen = start_function(
      [&](ActivityContext& context, const Json&) -> Result<Json> {
        running.count_down();
        await_stop(context);
        return Json(1);
      },
      task());
  running.wait();
  seen.run->cancel("Cancelled");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kSucceeded);
}

TEST_F(FunctionExecutorTest, TimesOutEvenIfItThenSucceeds) {
  ActivityTask t = task();
  t.start_to_close_timeout = 20ms;
  Seen& seen = start_function(
      [&](ActivityContext& context, const Json&) -> Result<Json> {
        await_stop(context);
        return Json(1);
      },
      std::move(t));
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kTimedOut);
  EXPECT_EQ(failure_type(*seen.outcome), "Timeout");
}

TEST_F(FunctionExecutorTest, SilenceLongerThanTheHeartbeatTimeoutEndsIt) {
  ActivityTask t = task();
  t.heartbeat_timeout = 20ms;
  Seen& seen = start_function(
      [&](ActivityContext& context, const Json&) -> Result<Json> {
        await_stop(context);
        return Json(1);
      },
      std::move(t));
  run_until_done(seen);
  EXPECT_EQ(failure_type(*seen.outcome), "HeartbeatTimeout");
}

TEST_F(FunctionExecutorTest, OneThatIgnoresACancelIsStuckUntilItReturns) {
  std::latch running(1);
  std::latch release(1);
  FunctionLimits limits;
  limits.stop_grace = 10ms;
  Seen& seen = start_function(
      [&](ActivityContext&, const Json&) -> Result<Json> {
        running.count_down();
        release.wait();
        return fail(Error::internal("late"));
      },
      task(), limits);
  running.wait();
  EXPECT_FALSE(seen.run->stuck());
  seen.run->cancel("Cancelled");
  run_until([&] { return seen.run->stuck(); });
  EXPECT_FALSE(seen.outcome);
  ASSERT_EQ(log_lines_.size(), 1U);
  EXPECT_NE(log_lines_[0].find("\"a1\""), std::string::npos);
  release.count_down();
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
}

TEST_F(FunctionExecutorTest, OneThatWaitsForAThreadCanBeCancelledAtOnceAndNeverRuns) {
  std::latch running(2);
  std::latch release(1);
  const ActivityFunction hold = [&](ActivityContext&, const Json&) -> Result<Json> {
    running.count_down();
    release.wait();
    return Json();
  };
  Seen& first = start_function(hold, task());
  Seen& second = start_function(hold, task());
  running.wait();
  bool ran = false;
  Seen& waiting = start_function(
      [&](ActivityContext&, const Json&) -> Result<Json> {
        ran = true;
        return Json();
      },
      task());
  const auto refused = executors_.back()->start(task(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "TooManyActivities");
  waiting.run->cancel("Cancelled");
  run_until_done(waiting);
  EXPECT_EQ(waiting.outcome->state, ActivityState::kCancelled);
  release.count_down();
  run_until_done(first);
  run_until_done(second);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace berth::worker
