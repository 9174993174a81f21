#include "cli/why/why_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/why/limits.h"
#include "operator/scaling/scaling_limit.h"

namespace berth::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

WallTime at(const std::string& text) {
  return *parse_rfc3339(text);
}

class WhyTest : public ::testing::Test {
 protected:
  WhyTest() {
    facts_.pool = {
        {"apiVersion", "berth.dev/v1alpha1"},
        {"kind", "SessionPool"},
        {"metadata", {{"namespace", "team"}, {"name", "files"}, {"uid", "u1"}, {"generation", 2}}},
        {"spec",
         {{"worker", {{"image", "w"}}},
          {"sessions", {{"maxPerWorker", 4}}},
          {"scaling", {{"maxWorkers", 3}, {"freeSlots", 2}}}}},
        {"status",
         {{"observedGeneration", 2},
          {"workers", {{"desired", 3}, {"current", 3}, {"ready", 2}, {"draining", 1}}},
          {"slots", {{"used", 11}, {"observedTime", "2024-05-01T10:00:00Z"}}},
          {"scaling",
           {{"used", 9},
            {"waiting", 4},
            {"keptFree", 2},
            {"wanted", 3},
            {"missing", 0},
            {"limit", "MaxWorkers"}}},
          {"lastScale",
           {{"time", "2024-05-01T09:55:00Z"}, {"from", 2}, {"to", 3}, {"reason", "more came"}}},
          {"conditions",
           {{{"type", "Ready"}, {"status", "True"}, {"reason", "Full"}, {"message", "m"}},
            {{"type", "ScalingLimited"},
             {"status", "True"},
             {"reason", "MaxWorkers"},
             {"message", "9 used + 4 waiting + 2 kept free want 3 workers; limited by MaxWorkers"}},
            {{"type", "Degraded"},
             {"status", "True"},
             {"reason", "FailingPods"},
             {"message", "files-2: ImagePullBackOff"},
             {"lastTransitionTime", "2024-05-01T09:59:00Z"}}}}}}};
    facts_.pods = Json::array();
    facts_.events = Json::array();
  }
  Json& status(const char* member) { return facts_.pool["status"][member]; }
  std::string text() const { return why_text(facts_, at("2024-05-01T10:00:10Z")); }

  PoolFacts facts_;
};

TEST_F(WhyTest, TellsTheDecisionWhatItCameFromAndTheWayOut) {
  EXPECT_EQ(text(), R"(Pool team/files: Full

Decision
  9 used + 4 waiting + 2 kept free want 3 workers; limited by MaxWorkers
  Last change 5m ago: from 2 to 3 workers (more came)

From
  used       9   slots with a session, on workers that take new ones; 2 more on workers that are leaving
  waiting    4   sessions without a slot
  kept free  2   slots (scaling.freeSlots: 2)
  sum        15  slots; a worker has 4 (sessions.maxPerWorker)
  wanted     3   workers, from 0 (scaling.minWorkers) to 3 (scaling.maxWorkers)
  there      3   workers, 2 ready, 1 draining
  Counted 10s ago; while only sessions come and go it is written at most every 30 s.

Limited by MaxWorkers
  more are needed than scaling.maxWorkers allows.
  Way out: raise scaling.maxWorkers, or wait for sessions to end.

Trouble
  FailingPods (70s ago): files-2: ImagePullBackOff
)");
}

TEST_F(WhyTest, OneIsOne) {
  status("scaling")["used"] = 1;
  status("scaling")["waiting"] = 1;
  status("slots")["used"] = 1;
  EXPECT_THAT(text(), HasSubstr("1  slot with a session, on workers that take new ones\n"));
  EXPECT_THAT(text(), HasSubstr("1  session without a slot\n"));
}

TEST_F(WhyTest, AFixedPoolNamesWhatFixesIt) {
  facts_.pool["spec"]["workers"] = 3;
  EXPECT_THAT(text(), HasSubstr("workers, fixed by spec.workers; `berth pool scale files --auto`"));
}

TEST_F(WhyTest, AnIdlePoolSaysWhyNothingIsKeptFree) {
  status("scaling") = {{"used", 0},   {"waiting", 0}, {"keptFree", 0},
                       {"wanted", 0}, {"missing", 0}, {"limit", "None"}};
  EXPECT_THAT(text(),
              HasSubstr("none, with nothing used or waiting for scaling.scaleToZeroAfter ("));
  EXPECT_THAT(text(), Not(HasSubstr("Limited by")));
}

TEST_F(WhyTest, WorkersThatPeopleHoldAreNamedWithTheWayBack) {
  facts_.pods = {
      {{"metadata", {{"name", "files-0"}}}},
      {{"metadata", {{"name", "files-1"}, {"annotations", {{"berth.dev/cordon", "x"}}}}}},
      {{"metadata",
        {{"name", "files-2"},
         {"annotations", {{"berth.dev/cordon", "x"}, {"berth.dev/drain", "x"}}}}}}};
  EXPECT_THAT(text(), HasSubstr("files-1 is cordoned; `berth uncordon files-1` takes it back"));
  EXPECT_THAT(text(), HasSubstr("files-2 is draining; `berth uncordon files-2`"));
  EXPECT_THAT(text(), Not(HasSubstr("files-0 is")));
}

TEST_F(WhyTest, EventsAreThoseOfThisPoolNewestFirstAndBounded) {
  for (int i = 0; i < 7; ++i) {
    facts_.events.push_back({{"regarding", {{"uid", "u1"}}},
                             {"reason", "R" + std::to_string(i)},
                             {"note", "n"},
                             {"eventTime", "2024-05-01T09:5" + std::to_string(i) + ":00.000000Z"}});
  }
  facts_.events.push_back({{"regarding", {{"uid", "other"}}}, {"reason", "Foreign"}});
  facts_.events[0]["series"] = {{"count", 3}, {"lastObservedTime", "2024-05-01T10:00:00.000000Z"}};
  const std::string t = text();
  EXPECT_LT(t.find("R0"), t.find("R6"));
  EXPECT_THAT(t, HasSubstr("n (3 times)"));
  EXPECT_THAT(t, Not(HasSubstr("R2")));
  EXPECT_THAT(t, Not(HasSubstr("Foreign")));
  EXPECT_THAT(t, HasSubstr("and 2 older events: `kubectl get events -n team"));
}

TEST_F(WhyTest, APoolThatNoOperatorHasSeenSaysSo) {
  facts_.pool.erase("status");
  EXPECT_THAT(text(), HasSubstr("The operator has not looked at it yet"));
}

TEST_F(WhyTest, AnOlderOperatorsStatusIsShownAsFarAsItGoes) {
  facts_.pool["status"].erase("scaling");
  EXPECT_THAT(text(), HasSubstr("limited by MaxWorkers"));
  EXPECT_THAT(text(), HasSubstr("Limited by MaxWorkers"));
  EXPECT_THAT(text(), Not(HasSubstr("From")));
}

TEST_F(WhyTest, AChangedSpecThatNobodyHasLookedAtIsSaid) {
  facts_.pool["metadata"]["generation"] = 3;
  EXPECT_THAT(text(), HasSubstr("The spec has changed since"));
}

TEST_F(WhyTest, WhatAServerSendsCannotPlayWithTheTerminal) {
  facts_.pool["status"]["conditions"][1]["message"] = "a\x1b[31mb";
  EXPECT_THAT(text(), HasSubstr("a?[31mb"));
}

TEST_F(WhyTest, ProgramsGetTheSame) {
  const Json data = why_data(facts_);
  EXPECT_EQ(data.at("pool"), "files");
  EXPECT_EQ(data.at("scaling").at("limit"), "MaxWorkers");
  EXPECT_THAT(data.at("decision").get<std::string>(), HasSubstr("9 used"));
}

TEST(LimitWords, EveryRuleOfTheOperatorHasWords) {
  for (int i = 0; i <= static_cast<int>(op::ScalingLimit::kPaused); ++i) {
    const auto limit = static_cast<op::ScalingLimit>(i);
    EXPECT_EQ(limit_words(op::to_string(limit)) != nullptr, limit != op::ScalingLimit::kNone)
        << op::to_string(limit);
  }
  EXPECT_EQ(limit_words("FromTheFuture"), nullptr);
}

}  // namespace
}  // namespace berth::cli
