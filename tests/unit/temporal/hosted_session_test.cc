#include "temporal/session/hosted_session.h"

#include <gmock/gmock.h>

#include "tests/unit/temporal/fixture.h"

namespace berth::temporal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kQueue = "s@files-0";

class HostedSessionTest : public TemporalTest {
 protected:
  void SetUp() override { begin(); }

  HostedSession::Parts parts() { return {loop, service, answers, store, random, metrics, Log()}; }
  HostedSession::Hooks hooks() {
    return {.recreate =
                [this](const ActivityTask& task, const std::string& token) {
                  recreates.push_back(task.token + " by " + token);
                },
            .gone = [this] { ++gone; }};
  }
  void begin(Duration keep_for = Duration(0)) {
    ActivityTask creation = task_of(std::string(kCreationActivity), "creation", "temporal-id");
    creation.heartbeat_timeout = seconds(20);
    session.reset();
    session = std::make_unique<HostedSession>(parts(), Binding::of(creation).value(),
                                              pool.hold("s"), keep_for, hooks());
    ASSERT_TRUE(session->begin());
    berth = pool.session(pool.sessions() - 1);
    loop.run_ready();
  }
  FakePool::Session::Run& run(const std::string& token, const std::string& type = "render",
                              const Json& input = nullptr) {
    EXPECT_TRUE(service.give(kQueue, task_of(type, token, input)));
    loop.run_ready();
    return *berth->runs.back();
  }
  void take(std::string_view type, const std::string& token) {
    EXPECT_TRUE(service.give(kQueue, task_of(std::string(type), token, "temporal-id")));
    loop.run_ready();
  }

  std::unique_ptr<HostedSession> session;
  FakePool::SessionPtr berth;
  std::vector<std::string> recreates;
  int gone = 0;
};

TEST_F(HostedSessionTest, TellsTheWorkflowWhereItsSessionIs) {
  ASSERT_EQ(service.signals.size(), 1u);
  const auto& signal = service.signals[0];
  EXPECT_EQ(signal.workflow_id, "order-7");
  EXPECT_EQ(signal.run_id, "run-1");
  EXPECT_EQ(signal.name, "temporal-id");
  EXPECT_EQ(signal.argument,
            Json({{"Taskqueue", kQueue}, {"HostName", "files-0"}, {"ResourceID", "s"}}));
  EXPECT_EQ(service.polls(kQueue), 1u);
  EXPECT_TRUE(session->open());
}

TEST_F(HostedSessionTest, ASignalThatGotNoAnswerIsSentAgainUnderTheSameId) {
  service.signal_answer = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  begin();
  loop.advance(seconds(3));
  ASSERT_GT(service.signals.size(), 3u);
  EXPECT_EQ(service.signals[1].request_id, service.signals.back().request_id);
  EXPECT_TRUE(session->open());
}

TEST_F(HostedSessionTest, AWorkflowThatHasGoneBeforeTheSignalFreesTheSlot) {
  service.signal_answer = fail(Error::make(ErrorCode::kNotFound, "", "completed"));
  begin();
  EXPECT_FALSE(session->open());
  EXPECT_THAT(berth->completed, ElementsAre(Duration(0)));
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(HostedSessionTest, ASignalThatIsRefusedFailsTheSession) {
  service.signal_answer = fail(Error::invalid("", "too many signals"));
  begin();
  EXPECT_FALSE(session->open());
  ASSERT_THAT(kinds(), ElementsAre("failed creation"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_THAT(service.outcomes[0].failure.message, HasSubstr("too many signals"));
}

TEST_F(HostedSessionTest, KeepsTheRequestAliveAsLongAsTheSession) {
  loop.advance(minutes(1));
  EXPECT_GE(service.beats("creation"), 9u);
  EXPECT_TRUE(session->open());
}

// --- activities

TEST_F(HostedSessionTest, RunsAnActivityInTheSessionAndAnswersWithItsResult) {
  auto& running = run("t1", "render", Json({{"page", 1}}));
  EXPECT_EQ(running.ask.type, "render");
  EXPECT_EQ(running.ask.input, Json({{"page", 1}}));
  EXPECT_TRUE(session->busy());
  EXPECT_EQ(service.polls(kQueue), 1u) << "the queue is polled on meanwhile";
  running.end(succeeded({{"pages", 7}}));
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("completed t1"));
  EXPECT_EQ(service.outcomes[0].result, Json({{"pages", 7}}));
  EXPECT_FALSE(session->busy());
}

TEST_F(HostedSessionTest, TimeoutsOfTheWorkflowAreThoseOfTheActivity) {
  ActivityTask task = task_of("render", "t1");
  task.start_to_close = minutes(5);
  task.heartbeat_timeout = seconds(9);
  service.give(kQueue, task);
  loop.run_ready();
  EXPECT_EQ(berth->runs[0]->ask.start_to_close, Duration(minutes(5)));
  EXPECT_EQ(berth->runs[0]->ask.heartbeat_timeout, Duration(seconds(9)));
  run("t2");
  EXPECT_FALSE(berth->runs[1]->ask.start_to_close);
  EXPECT_FALSE(berth->runs[1]->ask.heartbeat_timeout);
  task.type = "exec";  // Which reports no progress, and takes no such timeout.
  service.give(kQueue, task);
  loop.run_ready();
  EXPECT_FALSE(berth->runs[2]->ask.heartbeat_timeout);
}

TEST_F(HostedSessionTest, ProgressBecomesHeartbeatDetails) {
  auto& running = run("t1");
  running.progress({{"percent", 40}});
  loop.advance(seconds(10));
  EXPECT_EQ(service.heartbeats.back(), std::pair(std::string("t1"), Json({{"percent", 40}})));
}

TEST_F(HostedSessionTest, AFailedActivityLeavesTheSessionOpen) {
  auto& running = run("t1");
  auto end = ended_badly(ActivityEnd::Kind::kFailed, "ExitStatus", "exit status 3", true);
  end.stderr_tail = "no such page";
  running.end(end);
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed t1"));
  const Failure& failure = service.outcomes[0].failure;
  EXPECT_EQ(failure.type, "ExitStatus");
  EXPECT_FALSE(failure.non_retryable);
  EXPECT_EQ(failure.details, Json({{"stderr", "no such page"}}));
  EXPECT_TRUE(session->open());
}

TEST_F(HostedSessionTest, WhatTheActivityCallsFinalIsNotRetried) {
  run("t1").end(ended_badly(ActivityEnd::Kind::kFailed, "BadInput", "no", false));
  loop.run_ready();
  EXPECT_TRUE(service.outcomes.at(0).failure.non_retryable);
}

TEST_F(HostedSessionTest, ACancelStopsTheActivityAndIsAnsweredAfterItsRealEnd) {
  auto& running = run("t1");
  service.heartbeat_answers["t1"] = true;
  const auto beats = service.beats("creation");
  loop.advance(seconds(10));
  EXPECT_EQ(running.cancels, 1);
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_GT(service.beats("creation"), beats + 1) << "its session may be unwanted too";
  running.end(ended_badly(ActivityEnd::Kind::kCancelled, "Cancelled", "stopped", false));
  loop.run_ready();
  EXPECT_THAT(kinds(), ElementsAre("cancelled t1"));
  EXPECT_TRUE(session->open());
}

TEST_F(HostedSessionTest, AnActivityThatTemporalGaveUpIsStoppedAndNotAnswered) {
  auto& running = run("t1");
  service.heartbeat_answers["t1"] = fail(Error::make(ErrorCode::kNotFound, "", "timed out"));
  loop.advance(seconds(10));
  EXPECT_EQ(running.cancels, 1);
  running.end(ended_badly(ActivityEnd::Kind::kCancelled, "Cancelled", "stopped", false));
  loop.run_ready();
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_TRUE(session->open());
}

TEST_F(HostedSessionTest, ArgumentsThatCannotBeReadAreRefused) {
  ActivityTask task = task_of("render", "t1");
  task.input = {{{{"encoding", "binary/encrypted"}}, "x"}};
  service.give(kQueue, task);
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed t1"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_THAT(berth->runs, IsEmpty());
}

TEST_F(HostedSessionTest, ActivitiesBeyondTheBoundArePutOff) {
  for (int i = 0; i < 257; ++i) {
    service.give(kQueue, task_of("render", "t" + std::to_string(i)));
    loop.run_ready();
  }
  EXPECT_EQ(berth->runs.size(), 256u);
  ASSERT_THAT(kinds(), ElementsAre("failed t256"));
  EXPECT_EQ(service.outcomes[0].failure.type, "TooManyActivities");
  EXPECT_FALSE(service.outcomes[0].failure.non_retryable);
}

TEST_F(HostedSessionTest, AResultTooLargeToSendIsAFailureThatSaysSo) {
  run("t1").end(succeeded(std::string(4'000'000, 'x')));
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed t1"));
  EXPECT_EQ(service.outcomes[0].failure.type, "ResultTooLarge");
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
}

TEST_F(HostedSessionTest, ResultsOfExecSayHowTheCommandEnded) {
  ActivityEnd end = succeeded(nullptr);
  end.exit_status = 0;
  end.output = "text\n";
  end.stderr_tail = "warned";
  EXPECT_EQ(ActivityRun::result_of("exec", end),
            Json({{"exitStatus", 0}, {"stdout", "text\n"}, {"stderr", "warned"}}));
  end.output = "\xff";
  EXPECT_EQ(ActivityRun::result_of("exec", end),
            Json({{"exitStatus", 0}, {"stdoutBase64", "/w=="}, {"stderr", "warned"}}));
}

// --- ends

TEST_F(HostedSessionTest, CompleteSessionFreesTheSlot) {
  take(kCompletionActivity, "completion");
  EXPECT_FALSE(session->open());
  EXPECT_THAT(berth->completed, ElementsAre(Duration(0)));
  // Behind the completion's answer the workflow may be over at once.
  EXPECT_THAT(kinds(), ElementsAre("completed creation", "completed completion"));
}

TEST_F(HostedSessionTest, CompleteSessionStopsWhatRuns) {
  auto& running = run("t1");
  take(kCompletionActivity, "completion");
  EXPECT_EQ(running.cancels, 1);
  EXPECT_TRUE(session->busy());
  running.end(ended_badly(ActivityEnd::Kind::kCancelled, "Cancelled", "stopped", false));
  loop.run_ready();
  EXPECT_FALSE(session->busy());
  EXPECT_EQ(kinds().back(), "failed t1") << "Temporal takes no word of a cancel it did not ask for";
}

TEST_F(HostedSessionTest, ACancelledSessionIsCompletedAndSaidToBeCancelled) {
  service.heartbeat_answers["creation"] = true;
  loop.advance(seconds(7));
  EXPECT_FALSE(session->open());
  EXPECT_THAT(berth->completed, ElementsAre(Duration(0)));
  EXPECT_THAT(kinds(), ElementsAre("cancelled creation"));
  // The workflow's own completion still comes, and must not hang.
  take(kCompletionActivity, "completion");
  EXPECT_THAT(kinds(), ElementsAre("cancelled creation", "completed completion"));
}

TEST_F(HostedSessionTest, AWorkflowThatIsOverFreesTheSlotWithoutAWord) {
  service.heartbeat_answers["creation"] = fail(Error::make(ErrorCode::kNotFound, "", "over"));
  loop.advance(seconds(7));
  EXPECT_THAT(berth->completed, ElementsAre(Duration(0)));
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(HostedSessionTest, ALostSessionFailsForGoodWithTheReason) {
  berth->lost(Error::make(ErrorCode::kUnavailable, "LeaseLost", "the worker did not answer"));
  loop.run_ready();
  EXPECT_THAT(berth->completed, IsEmpty());
  ASSERT_THAT(kinds(), ElementsAre("failed creation"));
  EXPECT_EQ(service.outcomes[0].failure.type, "SessionFailed");
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_THAT(service.outcomes[0].failure.message, HasSubstr("the worker did not answer"));
}

TEST_F(HostedSessionTest, AWorkflowHearsOfItsLostSessionBeforeItsActivities) {
  auto& first = run("t1");
  auto& second = run("t2");
  service.answers = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  // The activity's end is what tells first.
  first.end(ended_badly(ActivityEnd::Kind::kSessionLost, "LeaseLost", "no answer", true));
  loop.advance(seconds(1));
  EXPECT_FALSE(session->open());
  EXPECT_THAT(kinds(), IsEmpty());
  service.answers = {};
  loop.advance(seconds(10));
  ASSERT_THAT(kinds(), ElementsAre("failed creation", "failed t1"));
  EXPECT_TRUE(service.outcomes[1].failure.non_retryable);
  second.end(ended_badly(ActivityEnd::Kind::kSessionLost, "LeaseLost", "no answer", true));
  loop.run_ready();
  EXPECT_THAT(kinds(), ElementsAre("failed creation", "failed t1", "failed t2"));
}

TEST_F(HostedSessionTest, ShutDownFailsTheSessionForItsWorkflow) {
  session->shut_down();
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed creation"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_THAT(berth->completed, ElementsAre(Duration(0)));
}

TEST_F(HostedSessionTest, WhatComesBehindTheEndGetsAnAnswer) {
  take(kCompletionActivity, "completion");
  take("render", "late");
  take(kCompletionActivity, "again");
  EXPECT_THAT(kinds(), ElementsAre("completed creation", "completed completion", "failed late",
                                   "completed again"));
  EXPECT_EQ(service.outcomes[2].failure.type, "SessionFailed");
  EXPECT_THAT(berth->runs, IsEmpty());
}

TEST_F(HostedSessionTest, LeavesWhenItsLastPollHasEnded) {
  take(kCompletionActivity, "completion");
  loop.advance(seconds(11));
  EXPECT_EQ(gone, 0) << "a poll that is cut off may take a task with it";
  service.give_nothing(kQueue);
  loop.run_ready();
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(service.polls(kQueue), 0u);
  EXPECT_EQ(service.cut_off, 0);
}

TEST_F(HostedSessionTest, DoesNotLeaveBeforeItsActivitiesHaveStopped) {
  auto& running = run("t1");
  take(kCompletionActivity, "completion");
  loop.advance(seconds(11));
  service.give_nothing(kQueue);
  loop.run_ready();
  EXPECT_EQ(gone, 0);
  running.end(ended_badly(ActivityEnd::Kind::kCancelled, "Cancelled", "stopped", false));
  loop.run_ready();
  EXPECT_EQ(gone, 1);
}

TEST_F(HostedSessionTest, APollThatFailsIsRepeatedWithPauses) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(service.fail_poll(kQueue, Error::make(ErrorCode::kUnavailable, "", "refused")));
    loop.run_ready();
    EXPECT_EQ(service.polls(kQueue), 0u);
    loop.advance(seconds(7));
  }
  EXPECT_EQ(service.polls(kQueue), 1u);
  EXPECT_TRUE(session->open());
}

// --- again

TEST_F(HostedSessionTest, RecreateSessionIsHandedOnWithTheToken) {
  begin(minutes(2));
  take(kCompletionActivity, "completion");
  EXPECT_THAT(berth->completed, ElementsAre(Duration(minutes(2))));
  loop.advance(seconds(100));
  take(kCreationActivity, "second");
  EXPECT_THAT(recreates, ElementsAre("second by again-s"));
}

TEST_F(HostedSessionTest, ANextProcessGoesOnWithSessionAndActivities) {
  auto& running = run("t1", "render", Json({{"page", 1}}));
  const std::string id = running.ask.id;
  session.reset();  // As a kill would.
  service.signals.clear();
  const auto files = store.load();
  ASSERT_EQ(files.size(), 2u);
  session = HostedSession::restore(parts(), pool, "s", files, Duration(0), hooks());
  ASSERT_TRUE(session);
  loop.run_ready();
  berth = pool.session(pool.sessions() - 1);
  EXPECT_TRUE(berth->attached);
  ASSERT_EQ(service.signals.size(), 1u);
  EXPECT_EQ(service.signals[0].request_id, "s") << "the server knows it, and drops it";
  EXPECT_GE(service.beats("creation"), 1u);
  EXPECT_GE(service.beats("t1"), 1u);
  ASSERT_EQ(berth->runs.size(), 1u);
  EXPECT_EQ(berth->runs[0]->ask.id, id) << "it joins the one that runs";
  EXPECT_EQ(berth->runs[0]->ask.input, Json({{"page", 1}}));
  berth->runs[0]->end(succeeded(7));
  take(kCompletionActivity, "completion");
  EXPECT_THAT(kinds(), ElementsAre("completed t1", "completed creation", "completed completion"));
  EXPECT_THAT(store.load(), IsEmpty());
}

TEST_F(HostedSessionTest, StateOfAnotherShapeIsRefusedWithALine) {
  const std::map<std::string, Json> files = {{"s", {{"task", "not base64!"}}}};
  EXPECT_FALSE(HostedSession::restore(parts(), pool, "s", files, Duration(0), hooks()));
}

TEST_F(HostedSessionTest, WithoutAPlaceToWriteNothingBegins) {
  std::filesystem::remove_all(dir.path() / "state");
  ActivityTask creation = task_of(std::string(kCreationActivity), "creation", "temporal-id");
  service.signals.clear();
  HostedSession other(parts(), Binding::of(creation).value(), pool.hold("other"), Duration(0),
                      hooks());
  EXPECT_FALSE(other.begin());
  loop.run_ready();
  EXPECT_THAT(service.signals, IsEmpty());
}

TEST_F(HostedSessionTest, ARequestWithoutAnIdIsNone) {
  EXPECT_FALSE(Binding::of(task_of("x", "t")));
  EXPECT_FALSE(Binding::of(task_of("x", "t", Json(7))));
  EXPECT_FALSE(Binding::of(task_of("x", "t", Json(""))));
}

TEST_F(HostedSessionTest, GaugesCountWhatIsOpen) {
  EXPECT_EQ(metrics.sessions_open.value(), 1);
  auto& running = run("t1");
  EXPECT_EQ(metrics.activities_running.value(), 1);
  take(kCompletionActivity, "completion");
  running.end(ended_badly(ActivityEnd::Kind::kCancelled, "Cancelled", "stopped", false));
  session.reset();
  EXPECT_EQ(metrics.sessions_open.value(), 0);
  EXPECT_EQ(metrics.activities_running.value(), 0);
}

}  // namespace
}  // namespace berth::temporal
