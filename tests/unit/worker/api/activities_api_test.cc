#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

TEST_F(ServiceTest, AnActivityRunsInItsSessionsDirectory) {
  open("s1");
  const auto e = post(path("s1", "/activities"),
                      {{"activityId", "a"}, {"type", "work"}, {"input", {{"n", 1}}}}, token("s1"));
  EXPECT_EQ(e->status(), 202);
  EXPECT_EQ(e->body()["state"], "Running");
  const ActivityTask& task = executor_->runs.at("a")->task;
  EXPECT_EQ(task.directory, "/sessions/s1");
  EXPECT_EQ(task.input, Json({{"n", 1}}));
  EXPECT_EQ(directories_.existing.count("s1"), 1u);
}

TEST_F(ServiceTest, ASessionWithoutActivitiesAndFilesNeverTouchesTheDisk) {
  open("s1");
  post(path("s1", "/heartbeat"), {}, token("s1"));
  EXPECT_TRUE(directories_.existing.empty());
}

TEST_F(ServiceTest, ARepeatedActivityIsAnsweredWithTheFirstOnesState) {
  open("s1");
  start("s1", "a");
  executor_->finish("a", api::ActivityState::kSucceeded, "done");
  const auto again = start("s1", "a");
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(again->body()["result"], "done");
  EXPECT_EQ(executor_->runs.size(), 1u);
}

TEST_F(ServiceTest, AnUnknownTypeIsRefusedWithTheKnownOnes) {
  open("s1");
  const auto e =
      post(path("s1", "/activities"), {{"activityId", "a"}, {"type", "nope"}}, token("s1"));
  EXPECT_EQ(e->status(), 400);
  EXPECT_EQ(e->code(), "UnknownActivity");
  EXPECT_THAT(e->body()["message"].get<std::string>(), ::testing::HasSubstr("work"));
  EXPECT_EQ(slots()["activities"], 0);
}

TEST_F(ServiceTest, ExecWhereThePoolDoesNotAllowItNamesTheField) {
  open("s1");
  const auto e =
      post(path("s1", "/activities"), {{"activityId", "a"}, {"type", "exec"}}, token("s1"));
  EXPECT_EQ(e->code(), "UnknownActivity");
  EXPECT_THAT(e->body()["message"].get<std::string>(),
              ::testing::HasSubstr("spec.worker.exec: true"));
}

TEST_F(ServiceTest, InputThatTheExecutorRefusesLeavesTheIdFree) {
  open("s1");
  executor_->refuse = true;
  EXPECT_EQ(start("s1", "a")->body()["field"], "input");
  executor_->refuse = false;
  EXPECT_EQ(start("s1", "a")->status(), 202);
}

TEST_F(ServiceTest, ADirectoryThatCannotBeMadeRefusesTheActivity) {
  open("s1");
  directories_.broken = true;
  EXPECT_EQ(start("s1", "a")->code(), "DiskFull");
  EXPECT_TRUE(executor_->runs.empty());
}

TEST_F(ServiceTest, ALongPollIsAnsweredWhenTheActivityEnds) {
  open("s1");
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25"), token("s1"));
  EXPECT_FALSE(poll->answered());
  executor_->runs.at("a")->events.progress(0.5);
  EXPECT_FALSE(poll->answered());
  executor_->finish("a", api::ActivityState::kSucceeded, 42);
  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->body()["result"], 42);
  EXPECT_EQ(service_->activity_watches(), 0u);
}

TEST_F(ServiceTest, ALongPollWithAfterIsAnsweredAtEachChange) {
  open("s1");
  const std::int64_t version = start("s1", "a")->body()["version"];
  const auto target = path("s1", "/activities/a?wait=25&after=") + std::to_string(version);
  const auto poll = get(target, token("s1"));
  EXPECT_FALSE(poll->answered());
  executor_->runs.at("a")->events.progress({{"done", 3}});
  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->body()["progress"]["done"], 3);
  EXPECT_TRUE(get(target, token("s1"))->answered());
}

TEST_F(ServiceTest, ALongPollThatSeesNothingIsAnsweredWhenItsTimeIsOver) {
  open("s1", {{"heartbeatTimeout", "1m"}});
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25"), token("s1"));
  loop_.advance(25s - 1ns);
  EXPECT_FALSE(poll->answered());
  loop_.advance(1ns);
  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->body()["state"], "Running");
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["leaseSecondsRemaining"], 60.0);
}

TEST_F(ServiceTest, NobodyWaitsLongerThanThirtySeconds) {
  open("s1", {{"heartbeatTimeout", "5m"}});
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=3000"), token("s1"));
  loop_.advance(30s);
  EXPECT_TRUE(poll->answered());
}

TEST_F(ServiceTest, TheLeaseIsRenewedWhenALongPollIsAnswered) {
  open("s1", {{"heartbeatTimeout", "30s"}});
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25"), token("s1"));
  loop_.advance(25s);
  ASSERT_TRUE(poll->answered());
  loop_.advance(29s);
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["state"], "Open");
}

TEST_F(ServiceTest, APollerThatLeavesIsForgotten) {
  open("s1");
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25"), token("s1"));
  poll->leave();
  EXPECT_EQ(service_->activity_watches(), 0u);
  executor_->finish("a");
  EXPECT_FALSE(poll->answered());
}

TEST_F(ServiceTest, APollerThatLeavesWhileItIsBeingAnsweredDoesNoHarm) {
  open("s1");
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25"), token("s1"));
  const auto late = poll->leave_later();
  executor_->finish("a");
  late();
  EXPECT_EQ(start("s1", "b")->status(), 202);
}

TEST_F(ServiceTest, CancelAsksTheActivityToStopAndKeepsItUntilItHas) {
  open("s1");
  start("s1", "a");
  const auto e = remove(path("s1", "/activities/a"), token("s1"));
  EXPECT_EQ(e->status(), 202);
  EXPECT_EQ(e->body()["state"], "Cancelling");
  EXPECT_EQ(executor_->runs.at("a")->cancels, std::vector<std::string>{"Cancelled"});
  EXPECT_EQ(slots()["activities"], 1);
  executor_->finish("a", api::ActivityState::kCancelled);
  EXPECT_EQ(remove(path("s1", "/activities/a"), token("s1"))->status(), 200);
  EXPECT_EQ(remove(path("s1", "/activities/nope"), token("s1"))->code(), "ActivityNotFound");
}

TEST_F(ServiceTest, AFailedActivityLeavesTheSessionOpen) {
  open("s1");
  start("s1", "a");
  executor_->finish("a", api::ActivityState::kFailed);
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["state"], "Open");
}

TEST_F(ServiceTest, AWaitingPollLearnsThatItsSessionHasEnded) {
  open("s1");
  start("s1", "a");
  const auto poll = get(path("s1", "/activities/a?wait=25&after=1"), token("s1"));
  remove(path("s1"), token("s1"));
  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->body()["state"], "Cancelling");
}

TEST_F(ServiceTest, AResultThatIsTooLargeFailsTheActivity) {
  open("s1");
  start("s1", "a");
  executor_->finish("a", api::ActivityState::kSucceeded,
                    std::string(ActivityRunner::kMaxResultBytes, 'x'));
  const Json info = get(path("s1", "/activities/a"), token("s1"))->body();
  EXPECT_EQ(info["state"], "Failed");
  EXPECT_EQ(info["failure"]["type"], "OutputTooLarge");
}

TEST_F(ServiceTest, ProgressThatIsTooLargeIsDroppedWithALogLine) {
  open("s1");
  start("s1", "a");
  executor_->runs.at("a")->events.progress(std::string(ActivityRunner::kMaxProgressBytes, 'x'));
  EXPECT_TRUE(logged("progress is too large"));
  EXPECT_FALSE(get(path("s1", "/activities/a"), token("s1"))->body().contains("progress"));
}

TEST_F(ServiceTest, AnActivityThatDoesNotStopIsCalledStuckAndKeepsItsSlot) {
  open("s1");
  start("s1", "a");
  remove(path("s1"), token("s1"));
  executor_->runs.at("a")->stuck = true;
  loop_.advance(5s);
  EXPECT_TRUE(logged("does not stop"));
  EXPECT_EQ(metric("berth_worker_activities_stuck"), "1");
  loop_.advance(1h);
  EXPECT_EQ(slots()["sessions"], 1);
  executor_->finish("a", api::ActivityState::kCancelled);
  EXPECT_EQ(slots()["sessions"], 0);
}

TEST_F(ServiceTest, ProcessGroupsAreWrittenDown) {
  open("s1");
  start("s1", "a");
  executor_->runs.at("a")->events.process_group(4711);
  EXPECT_EQ(ledger_.count<ActivityGroupRecord>(), 1u);
}

TEST_F(ServiceTest, BadQueriesNameTheParameter) {
  open("s1");
  start("s1", "a");
  EXPECT_EQ(get(path("s1", "/activities/a?wait=soon"), token("s1"))->body()["field"], "wait");
  EXPECT_EQ(get(path("s1", "/activities/a?after=-1"), token("s1"))->body()["field"], "after");
  EXPECT_EQ(get(path("s1", "/activities/a?wait=nan"), token("s1"))->body()["field"], "wait");
}

TEST_F(ServiceTest, ActivityMetricsHaveTypeAndOutcome) {
  open("s1");
  start("s1", "a");
  EXPECT_EQ(metric("berth_worker_activities_running{type=\"work\"}"), "1");
  loop_.advance(2s);
  executor_->finish("a", api::ActivityState::kFailed);
  EXPECT_EQ(metric("berth_worker_activities_running{type=\"work\"}"), "0");
  EXPECT_EQ(metric("berth_worker_activity_duration_seconds_sum{outcome=\"Failed\",type=\"work\"}"),
            "2");
}

}  // namespace
}  // namespace berth::worker
