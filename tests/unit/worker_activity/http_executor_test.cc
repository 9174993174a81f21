#include "worker/activity/http_executor.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/fakes/manual_loop.h"
#include "tests/unit/worker_activity/scripted_transport.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

class HttpExecutorTest : public ::testing::Test {
 protected:
  HttpExecutorTest() {
    spec_.name = "render";
    spec_.http_url = "http://127.0.0.1:9000/render?q=1";
    spec_.http_cancel_url = "http://127.0.0.1:9001/cancel";
    spec_.kill_grace = 10s;
  }
  void start(std::optional<Duration> heartbeat = std::nullopt) {
    executor_ = *HttpExecutor::make(loop_, transport_, spec_);
    ActivityTask task;
    task.session_id = api::SessionId("s1");
    task.activity_id = api::ActivityId("a1");
    task.input = {{"frame", 7}};
    task.directory = "/data/s1";
    task.start_to_close_timeout = 60s;
    task.heartbeat_timeout = heartbeat;
    ActivityEvents events;
    events.progress = [this](Json p) { progress_.push_back(std::move(p)); };
    events.done = [this](ActivityOutcome o) {
      outcome_ = std::move(o);
      run_.reset();
    };
    run_ = std::move(*executor_->start(std::move(task), std::move(events)));
  }
  void answer(std::size_t call, int status, const std::string& body) {
    transport_.answer(call, status, body);
    loop_.run_ready();
  }
  void stream(const std::string& body) {
    http::Response response;
    response.headers.set("Content-Type", "application/x-ndjson; charset=utf-8");
    response.body_source = http::string_source(body);
    transport_.answer(0, response);
    loop_.run_ready();
  }
  std::string failure() const {
    return outcome_ && outcome_->failure ? outcome_->failure->type : "none";
  }

  fakes::ManualLoop loop_;
  ScriptedTransport transport_{loop_};
  api::ActivitySpec spec_;
  std::shared_ptr<HttpExecutor> executor_;
  std::unique_ptr<ActivityRun> run_;
  std::vector<Json> progress_;
  std::optional<ActivityOutcome> outcome_;
};

TEST_F(HttpExecutorTest, PostsTheInputAndTakesTheAnswer) {
  start();
  ASSERT_EQ(transport_.calls.size(), 1U);
  const auto& call = *transport_.calls[0];
  EXPECT_EQ(call.origin, "http://127.0.0.1:9000");
  EXPECT_EQ(call.request.method, "POST");
  EXPECT_EQ(call.request.target, "/render?q=1");
  EXPECT_EQ(call.request.body, R"({"frame":7})");
  EXPECT_EQ(call.request.headers.get("Berth-Session-Id"), "s1");
  EXPECT_EQ(call.request.headers.get("Berth-Activity-Id"), "a1");
  EXPECT_EQ(call.request.headers.get("Berth-Session-Dir"), "/data/s1");
  answer(0, 200, R"({"ok": true})");
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(outcome_->state, ActivityState::kSucceeded);
  EXPECT_EQ(outcome_->result, (Json{{"ok", true}}));
}

TEST_F(HttpExecutorTest, AnEmptyAnswerIsTheResultNull) {
  start();
  answer(0, 204, "");
  EXPECT_EQ(outcome_->state, ActivityState::kSucceeded);
  EXPECT_TRUE(outcome_->result.is_null());
}

TEST_F(HttpExecutorTest, AnotherStatusFailsIt) {
  start();
  answer(0, 503, "busy\n");
  EXPECT_EQ(failure(), "HttpStatus");
  EXPECT_EQ(outcome_->failure->message, R"(the application answered 503: "busy\n")");
  EXPECT_TRUE(outcome_->failure->retryable);
}

TEST_F(HttpExecutorTest, ARefusalIsNotRetried) {
  start();
  answer(0, 422, "");
  EXPECT_FALSE(outcome_->failure->retryable);
}

TEST_F(HttpExecutorTest, ReportsTheApplicationsOwnFailure) {
  start();
  answer(0, 400, R"({"error": {"type": "NoSuchScene", "message": "x", "retryable": false}})");
  EXPECT_EQ(failure(), "NoSuchScene");
}

TEST_F(HttpExecutorTest, AnAnswerThatIsNoJsonFailsIt) {
  start();
  answer(0, 200, "<html>");
  EXPECT_EQ(failure(), "InvalidOutput");
}

TEST_F(HttpExecutorTest, AnAnswerThatIsTooLargeFailsIt) {
  spec_.max_output_bytes = 100;
  start();
  answer(0, 200, '"' + std::string(100, 'x') + '"');
  EXPECT_EQ(failure(), "OutputTooLarge");
}

TEST_F(HttpExecutorTest, AStreamTellsProgressAndThenTheResult) {
  start();
  stream("{\"progress\": 1}\n\n{\"progress\": 2}\n{\"result\": \"ok\"}");
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(outcome_->result, "ok");
  ASSERT_FALSE(progress_.empty());
  EXPECT_EQ(progress_.back(), 2);
}

TEST_F(HttpExecutorTest, AStreamMayEndInAFailureOrTooEarly) {
  start();
  stream("{\"progress\": 1}\n{\"error\": {\"type\": \"Melted\"}}\n");
  EXPECT_EQ(failure(), "Melted");
  transport_.calls.clear();
  start();
  stream("{\"progress\": 1}\n");
  EXPECT_EQ(failure(), "InvalidOutput");
  transport_.calls.clear();
  start();
  stream("oops\n");
  EXPECT_EQ(failure(), "InvalidOutput");
}

TEST_F(HttpExecutorTest, AnApplicationThatIsNotThereFailsIt) {
  start();
  transport_.break_off(0, "ConnectFailed");
  loop_.run_ready();
  EXPECT_EQ(failure(), "Unavailable");
  EXPECT_TRUE(outcome_->failure->retryable);
}

TEST_F(HttpExecutorTest, CancelAsksTheApplicationAndWaitsForItsWord) {
  start();
  run_->cancel("Cancelled");
  loop_.run_ready();
  ASSERT_EQ(transport_.calls.size(), 2U);
  EXPECT_EQ(transport_.calls[1]->origin, "http://127.0.0.1:9001");
  EXPECT_EQ(transport_.calls[1]->request.body, R"({"activityId":"a1"})");
  EXPECT_FALSE(outcome_);
  answer(1, 200, "");
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(outcome_->state, ActivityState::kCancelled);
  EXPECT_EQ(failure(), "Cancelled");
  EXPECT_TRUE(transport_.calls[0]->aborted);
}

TEST_F(HttpExecutorTest, TheAnswerOfACancelledCallProvesThatItStopped) {
  start();
  run_->cancel("SessionEnded");
  answer(0, 500, "");
  EXPECT_EQ(outcome_->state, ActivityState::kCancelled);
  EXPECT_EQ(failure(), "SessionEnded");
}

TEST_F(HttpExecutorTest, ACancelThatFailsIsRepeatedAndTheRunIsStuckMeanwhile) {
  start();
  run_->cancel("Cancelled");
  answer(1, 500, "");
  EXPECT_FALSE(outcome_);
  loop_.advance(1s);
  ASSERT_EQ(transport_.calls.size(), 3U);
  transport_.break_off(2, "ConnectionLost");
  loop_.run_ready();
  EXPECT_FALSE(run_->stuck());
  loop_.advance(15s);
  EXPECT_TRUE(run_->stuck());
  EXPECT_FALSE(outcome_);
  answer(3, 404, "");
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(outcome_->state, ActivityState::kCancelled);
}

TEST_F(HttpExecutorTest, WithoutACancelUrlItIsStuckUntilTheApplicationAnswers) {
  spec_.http_cancel_url.clear();
  start();
  run_->cancel("Cancelled");
  loop_.advance(15s);
  EXPECT_TRUE(run_->stuck());
  answer(0, 200, "{}");
  EXPECT_EQ(outcome_->state, ActivityState::kCancelled);
}

TEST_F(HttpExecutorTest, ATimeoutCancelsAndWaitsToo) {
  start();
  loop_.advance(60s);
  EXPECT_FALSE(outcome_);
  answer(1, 200, "");
  EXPECT_EQ(outcome_->state, ActivityState::kTimedOut);
  EXPECT_EQ(failure(), "Timeout");
}

TEST_F(HttpExecutorTest, TheCallItselfIsNotGivenUpAtTheTimeout) {
  start();
  EXPECT_GT(transport_.calls[0]->options.deadline, 24h);
}

TEST_F(HttpExecutorTest, SilenceLongerThanTheHeartbeatTimeoutEndsIt) {
  start(5s);
  loop_.advance(5s);
  answer(1, 200, "");
  EXPECT_EQ(failure(), "HeartbeatTimeout");
}

TEST_F(HttpExecutorTest, ALostConnectionIsNoProofSoTheApplicationIsAsked) {
  start();
  transport_.break_off(0, "ConnectionLost");
  loop_.run_ready();
  EXPECT_FALSE(outcome_);
  ASSERT_EQ(transport_.calls.size(), 2U);
  transport_.break_off(1, "ConnectFailed");
  loop_.run_ready();
  EXPECT_EQ(failure(), "Unavailable");
  EXPECT_EQ(outcome_->state, ActivityState::kFailed);
}

TEST_F(HttpExecutorTest, AnUrlThatIsNoneIsAnErrorAtStartUp) {
  spec_.http_url = "render";
  EXPECT_FALSE(HttpExecutor::make(loop_, transport_, spec_));
}

}  // namespace
}  // namespace berth::worker
