#include "client/src/activity_call.h"

#include "client/src/polling.h"
#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

class ActivityCallTest : public CoreTest {
 protected:
  ActivityCallTest() : session(open({.id = "s1"}, std::chrono::hours(1))) {}

  void execute(ActivityOptions activity = {}) {
    ActivityCallbacks callbacks{[this](const Json& p) { progress.push_back(p); },
                                [this](const std::string& t) { tails.push_back(t); }};
    core->execute(session, {"pack", {{"level", 9}}, std::move(activity), std::move(callbacks)},
                  scope, [this](Outcome<ActivityResult> r) { outcome = std::move(r); });
    loop.run_ready();
  }
  fakes::FakeTransport::CallPtr expect_start() {
    auto call = transport.expect_request("POST", kStart);
    id = body_of(call).value("activityId", "");
    return call;
  }
  fakes::FakeTransport::CallPtr expect_poll() {
    return transport.expect_request("GET", std::string(kStart) + "/" + id);
  }
  fakes::FakeTransport::CallPtr expect_delete() {
    return transport.expect_request("DELETE", std::string(kStart) + "/" + id);
  }
  void begin(ActivityOptions activity = {}) {
    execute(std::move(activity));
    const auto call = expect_start();
    call->answer(running(id, 1));
    loop.run_ready();
  }
  http::Response failure(const std::string& type, bool retryable) {
    return failed(id, api::ActivityState::kFailed, {type, "words", retryable});
  }
  void cancel() {
    scope->cancel();
    loop.run_ready();
  }
  const ClientError& error() const { return outcome->error(); }

  Core::SessionPtr session;
  std::shared_ptr<CancelScope> scope = CancelScope::child_of(session->scope());
  std::string id;
  std::vector<Json> progress;
  std::vector<std::string> tails;
  std::optional<Outcome<ActivityResult>> outcome;
};

TEST_F(ActivityCallTest, AnIdOfTheCallersJoinsTheOneThatRuns) {
  execute({.id = "mine"});
  const auto start = expect_start();
  EXPECT_EQ(id, "mine");
  start->answer(running(id, 7));
  loop.run_ready();
  expect_poll()->answer(finished(id, "done"));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->result, "done");
}

TEST_F(ActivityCallTest, StartsWithAnIdOfItsOwnAndWaitsForTheResult) {
  execute({.start_to_close_timeout = minutes(5), .heartbeat_timeout = seconds(30)});
  const auto start = expect_start();
  const auto body = api::StartActivity::parse(body_of(start));
  ASSERT_TRUE(body);
  EXPECT_FALSE(body->activity_id.empty());
  EXPECT_EQ(body->type, "pack");
  EXPECT_EQ(body->input["level"], 9);
  EXPECT_EQ(body->start_to_close_timeout, minutes(5));
  EXPECT_EQ(body->heartbeat_timeout, seconds(30));
  start->answer(running(id, 1));
  loop.run_ready();
  const auto poll = expect_poll();
  EXPECT_EQ(poll->request().query("wait"), "25");
  EXPECT_EQ(poll->request().query("after"), "1");
  EXPECT_GT(poll->options().deadline, kPollWait);
  poll->answer(finished(id, {{"bytes", 12}}));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->result["bytes"], 12);
  EXPECT_EQ(core->calls(), 0u);
  EXPECT_EQ(session->calls(), 0u);
}

TEST_F(ActivityCallTest, BringsOutputStatusAndTail) {
  begin();
  api::ActivityInfo info;
  info.activity_id = api::ActivityId(id);
  info.version = 9;
  info.state = api::ActivityState::kSucceeded;
  info.exit_status = 3;
  info.stdout_base64 = "/+8A/g==";
  info.stderr_tail = "oops";
  expect_poll()->answer(activity_answer(info));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->exit_status, 3);
  EXPECT_EQ((*outcome)->output, std::string("\xff\xef\x00\xfe", 4));
  EXPECT_EQ((*outcome)->stderr_tail, "oops");
}

TEST_F(ActivityCallTest, TellsProgressAndTailOnceEach) {
  begin();
  api::ActivityInfo info;
  info.activity_id = api::ActivityId(id);
  for (const int percent : {10, 10, 60}) {
    info.version += 2;
    info.progress = percent;
    info.stderr_tail = percent == 60 ? "late" : "early";
    const auto poll = expect_poll();
    poll->answer(activity_answer(info));
    loop.run_ready();
  }
  EXPECT_EQ(expect_poll()->request().query("after"), "6");
  EXPECT_EQ(progress, (std::vector<Json>{10, 60}));
  EXPECT_EQ(tails, (std::vector<std::string>{"early", "late"}));
}

TEST_F(ActivityCallTest, ALostAnswerToTheStartIsRepeatedWithTheSameIdAndBody) {
  execute();
  const auto first = expect_start();
  first->fail_lost();
  loop.advance(seconds(1));
  const auto second = expect_start();
  EXPECT_EQ(second->request().body, first->request().body);
  second->answer(finished(id, "done"));
  loop.run_ready();
  EXPECT_TRUE(*outcome);
}

TEST_F(ActivityCallTest, PollsGoOnThroughAWorkerRestart) {
  begin();
  for (int i = 0; i < 5; ++i) {
    expect_poll()->fail_connect();
    loop.advance(seconds(3));
  }
  expect_poll()->answer(failure("WorkerRestarted", true));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kActivityFailed);
  EXPECT_EQ(error().activity->type, "WorkerRestarted");
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(ActivityCallTest, AFailureLeavesTheSessionOpen) {
  begin();
  expect_poll()->answer(failure("FileNotFound", true));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kActivityFailed);
  EXPECT_EQ(error().activity->type, "FileNotFound");
  EXPECT_EQ(error().text(), "ActivityFailed: words");
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(ActivityCallTest, ARetryableFailureIsTriedAgainAfterASecondUnderANewId) {
  begin({.max_attempts = 3});
  const std::string first = id;
  expect_poll()->answer(failure("Flaky", true));
  loop.advance(seconds(1) - Duration(1));
  EXPECT_EQ(transport.waiting(), 0u);
  loop.advance(milliseconds(101));
  const auto second = expect_start();
  EXPECT_NE(id, first);
  second->answer(failure("Flaky", true));
  loop.advance(seconds(2) - Duration(1));
  EXPECT_EQ(transport.waiting(), 0u);
  loop.advance(milliseconds(201));
  expect_start()->answer(failure("Flaky", true));
  loop.advance(minutes(1));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(error().activity->type, "Flaky");
  EXPECT_EQ(transport.count("POST", kStart), 3u);
}

TEST_F(ActivityCallTest, AFailureThatIsNotRetryableIsFinal) {
  begin({.max_attempts = 5});
  expect_poll()->answer(failure("BadInput", false));
  loop.run_ready();
  EXPECT_EQ(error().activity->type, "BadInput");
}

TEST_F(ActivityCallTest, ATimeoutCountsAsAFailure) {
  begin();
  expect_poll()->answer(
      failed(id, api::ActivityState::kTimedOut, {"Timeout", "longer than 5s", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kActivityFailed);
}

TEST_F(ActivityCallTest, AnUnknownTypeIsTheCallersError) {
  execute({.max_attempts = 5});
  expect_start()->answer(error_answer(400, "UnknownActivity", "no activity 'pack'"));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(transport.count("POST", kStart), 1u);
}

TEST_F(ActivityCallTest, ARefusalThatMayPassCountsAsAnAttempt) {
  execute({.max_attempts = 2});
  expect_start()->answer(error_answer(429, "TooManyActivities", "16 run"));
  loop.advance(seconds(2));
  expect_start()->answer(error_answer(503, "JournalUnavailable", "disk full"));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(error().error.reason, "JournalUnavailable");
}

TEST_F(ActivityCallTest, AForgottenResultIsSaidToBeOne) {
  begin();
  expect_poll()->answer(error_answer(410, "ResultForgotten", "no longer kept"));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kActivityFailed);
  EXPECT_EQ(error().activity->type, "ResultForgotten");
  EXPECT_FALSE(error().activity->retryable);
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(ActivityCallTest, AWorkerThatDoesNotWaitIsNotHammered) {
  begin();
  const std::string path = std::string(kStart) + "/" + id;
  expect_poll()->answer(running(id, 1));
  transport.on("GET", "/v1/sessions/{s}/activities/{a}",
               [this](const http::Request&) { return running(id, 1); });
  loop.advance(seconds(10));
  EXPECT_LE(transport.count("GET", path), 55u);
}

TEST_F(ActivityCallTest, CancellingAsksTheWorkerAndAwaitsTheRealEnd) {
  begin();
  const auto poll = expect_poll();
  cancel();
  expect_delete()->answer(http::Response::json(202, "{}"));
  loop.advance(seconds(5));
  EXPECT_FALSE(outcome);
  poll->answer(failed(id, api::ActivityState::kCancelled, {"Cancelled", "stopped", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(ActivityCallTest, ASuccessThatCameBeforeTheCancelStands) {
  begin();
  const auto poll = expect_poll();
  cancel();
  poll->answer(finished(id, 1));
  loop.run_ready();
  EXPECT_TRUE(*outcome);
}

TEST_F(ActivityCallTest, ACancelThatIsLostIsRepeated) {
  begin();
  const auto poll = expect_poll();
  cancel();
  expect_delete()->fail_connect();
  loop.advance(seconds(1));
  expect_delete()->answer(http::Response::json(202, "{}"));
  EXPECT_FALSE(poll->finished());
}

TEST_F(ActivityCallTest, ACancelDuringTheStartWaitsForItsAnswer) {
  execute();
  const auto start = expect_start();
  cancel();
  EXPECT_EQ(transport.waiting(), 0u);
  start->answer(running(id, 1));
  loop.run_ready();
  expect_delete()->answer(http::Response::json(202, "{}"));
  expect_poll()->answer(failed(id, api::ActivityState::kCancelled, {"Cancelled", "", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
}

TEST_F(ActivityCallTest, ACancelWhileItIsUnclearWhetherItRunsFindsOut) {
  execute();
  expect_start()->fail_lost();
  loop.run_ready();
  cancel();
  const auto del = expect_delete();
  loop.advance(seconds(5));
  EXPECT_EQ(transport.count("POST", kStart), 1u);
  del->answer(error_answer(404, "ActivityNotFound", "never arrived"));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
}

TEST_F(ActivityCallTest, AnUnclearStartThatDidRunIsAwaitedToItsEnd) {
  execute();
  expect_start()->fail_lost();
  loop.run_ready();
  cancel();
  expect_delete()->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  EXPECT_FALSE(outcome);
  expect_poll()->answer(failed(id, api::ActivityState::kCancelled, {"Cancelled", "", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
}

TEST_F(ActivityCallTest, ACancelBetweenAttemptsEndsItHere) {
  begin({.max_attempts = 3});
  expect_poll()->answer(failure("Flaky", true));
  loop.run_ready();
  cancel();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  loop.advance(minutes(1));
  EXPECT_EQ(transport.count("POST", kStart), 1u);
}

TEST_F(ActivityCallTest, NothingIsSentThatNeverReachedTheWorkerWhenCancelled) {
  execute();
  expect_start()->fail_connect();
  loop.run_ready();
  cancel();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(transport.waiting(), 0u);
}

TEST_F(ActivityCallTest, AnOverlongSilenceEndsItWithTheSessionAsCancelled) {
  begin();
  loop.advance(std::chrono::hours(1));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(error().error.reason, "LeaseLost");
  EXPECT_EQ(session->state(), SessionState::kFailed);
}

TEST_F(ActivityCallTest, APollThatHearsTheSessionsEndCancelsAllThatRuns) {
  begin();
  const auto poll = expect_poll();
  std::optional<Outcome<ActivityResult>> other;
  core->execute(session, {"index", {}, {}, {}}, scope,
                [&](Outcome<ActivityResult> r) { other = std::move(r); });
  loop.run_ready();
  poll->answer(error_answer(410, "SessionEnded", "over"));
  loop.run_ready();
  (void)expect_start();
  transport.expect_request("GET", "/v1/sessions/s1")
      ->answer(session_answer("s1", api::SessionState::kEnded, api::EndReason::kExecutionTimeout));
  loop.run_ready();
  ASSERT_TRUE(outcome && other);
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(error().ended, api::EndReason::kExecutionTimeout);
  EXPECT_EQ(other->error().kind, ErrorKind::kCancelled);
}

TEST_F(ActivityCallTest, AfterTheFailureNothingIsEvenTried) {
  loop.advance(std::chrono::hours(1));
  const auto before = transport.sent().size();
  execute();
  EXPECT_EQ(error().kind, ErrorKind::kSessionFailed);
  EXPECT_EQ(transport.sent().size(), before);
}

TEST_F(ActivityCallTest, ASessionThatTheWorkerEndsIsLookedAtSoon) {
  begin();
  expect_poll()->answer(
      failed(id, api::ActivityState::kCancelled, {"SessionEnded", "drained", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  transport.expect_request("POST", "/v1/sessions/s1/heartbeat");
}

TEST_F(ActivityCallTest, CompletingTheSessionLetsItTellItsRealEnd) {
  begin();
  const auto poll = expect_poll();
  session->complete(Duration(0), nullptr);
  transport.expect_request("DELETE", "/v1/sessions/s1")->answer(http::Response::json(202, "{}"));
  loop.run_ready();
  EXPECT_FALSE(outcome);
  EXPECT_EQ(core->sessions(), 1u);
  poll->answer(failed(id, api::ActivityState::kCancelled, {"SessionEnded", "stopped", false}));
  loop.run_ready();
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(core->sessions(), 0u);
}

TEST_F(ActivityCallTest, AfterCompletionASilentWorkerIsNotWaitedForForEver) {
  begin();
  session->complete(Duration(0), nullptr);
  const auto poll = expect_poll();
  transport.expect_request("DELETE", "/v1/sessions/s1")->answer(http::Response::json(202, "{}"));
  loop.advance(std::chrono::hours(2));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(core->sessions(), 0u);
}

TEST_F(ActivityCallTest, AnAnsweredPollCountsAsRenewalFromItsSending) {
  session = open({.id = "s1"}, seconds(60));
  scope = CancelScope::child_of(session->scope());
  begin();
  const auto poll = expect_poll();
  loop.advance(seconds(19));
  poll->answer(running(id, 2));
  loop.run_ready();
  loop.advance(seconds(10));
  EXPECT_EQ(transport.count("POST", "/v1/sessions/s1/heartbeat"), 1u);
}

}  // namespace
}  // namespace berth::client
