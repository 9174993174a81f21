#include "temporal/engine.h"

#include <gmock/gmock.h>

#include "tests/unit/temporal/fixture.h"

namespace berth::temporal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class EngineTest : public TemporalTest {
 protected:
  void SetUp() override { start(); }
  void start(Duration keep_for = Duration(0)) {
    engine.reset();
    engine =
        std::make_unique<Engine>(Engine::Parts{loop, service, pool, store, random, metrics, Log()},
                                 Engine::Settings{.task_queue = "q", .keep_for = keep_for});
    engine->start();
    loop.run_ready();
  }
  FakePool::SessionPtr open(const std::string& token) {
    pool.free = 1;
    service.give(kRequests, task_of(std::string(kCreationActivity), token, "id-" + token));
    loop.run_ready();
    return pool.session(pool.sessions() - 1);
  }
  void complete(const FakePool::SessionPtr& session) {
    service.give(session->id + "@files-0", task_of(std::string(kCompletionActivity), "done"));
    loop.run_ready();
  }

  std::unique_ptr<Engine> engine;
  bool drained = false;
};

TEST_F(EngineTest, GivesWorkflowsSessions) {
  open("r1");
  open("r2");
  EXPECT_EQ(engine->open_sessions(), 2u);
  ASSERT_EQ(service.signals.size(), 2u);
  EXPECT_EQ(service.signals[1].name, "id-r2");
  EXPECT_TRUE(engine->ready());
}

TEST_F(EngineTest, ARequestThatIsNoneGivesItsSlotBack) {
  pool.free = 1;
  service.give(kRequests, task_of(std::string(kCreationActivity), "r1"));
  loop.run_ready();
  EXPECT_THAT(kinds(), ElementsAre("failed r1"));
  EXPECT_EQ(pool.session(0)->completed.size(), 1u);
  EXPECT_EQ(engine->open_sessions(), 0u);
}

TEST_F(EngineTest, ASessionThatCannotBeWrittenDownIsPutOff) {
  std::filesystem::remove_all(dir.path() / "state");
  const auto session = open("r1");
  ASSERT_THAT(kinds(), ElementsAre("failed r1"));
  EXPECT_FALSE(service.outcomes[0].failure.non_retryable);
  EXPECT_FALSE(session->alive) << "given up, so that its slot comes back";
  EXPECT_THAT(service.signals, IsEmpty());
}

TEST_F(EngineTest, SessionsThatAreOverAreForgotten) {
  const auto session = open("r1");
  complete(session);
  loop.advance(seconds(11));
  service.give_nothing("s1@files-0");
  loop.run_ready();
  EXPECT_FALSE(session->alive);
}

TEST_F(EngineTest, RecreatesOnTheSameWorker) {
  start(minutes(2));
  complete(open("r1"));
  service.outcomes.clear();
  service.give("s1@files-0", task_of(std::string(kCreationActivity), "r2", "id-2"));
  loop.run_ready();
  EXPECT_THAT(pool.recreated, ElementsAre("again-s1"));
  EXPECT_EQ(engine->open_sessions(), 1u);
  EXPECT_EQ(service.signals.back().argument.at("Taskqueue"), "again@files-0");
}

TEST_F(EngineTest, AWorkerThatIsGoneIsSaidAtOnce) {
  pool.recreate_answer = fail(Error::make(ErrorCode::kGone, "WorkerGone", "no worker files-0"));
  complete(open("r1"));
  service.outcomes.clear();
  service.give("s1@files-0", task_of(std::string(kCreationActivity), "r2", "id-2"));
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed r2"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
}

TEST_F(EngineTest, ANextProcessGoesOn) {
  open("r1");
  engine.reset();
  start();
  EXPECT_EQ(engine->open_sessions(), 1u);
  EXPECT_TRUE(pool.session(1)->attached);
}

TEST_F(EngineTest, StateThatIsOfNoUseIsForgotten) {
  ASSERT_TRUE(store.save("odd", {{"shape", "other"}}));
  start();
  EXPECT_EQ(engine->open_sessions(), 0u);
  EXPECT_THAT(store.load(), IsEmpty());
}

TEST_F(EngineTest, ActivitiesThatCannotBeTakenUpLeaveNothingBehind) {
  open("r1");
  ASSERT_TRUE(store.save("s1.odd", {{"shape", "other"}}));
  ASSERT_TRUE(store.save("gone.activity", {{"task", ""}}));
  start();
  EXPECT_EQ(engine->open_sessions(), 1u);
  EXPECT_THAT(pool.session(1)->runs, IsEmpty());
  EXPECT_EQ(store.load().size(), 1u);
}

TEST_F(EngineTest, DrainingWaitsForOpenSessions) {
  const auto session = open("r1");
  engine->drain(minutes(60), [this] { drained = true; });
  EXPECT_FALSE(engine->ready());
  while (service.give_nothing(kRequests)) {
    loop.run_ready();
  }
  loop.advance(minutes(30));
  EXPECT_FALSE(drained);
  EXPECT_EQ(engine->open_sessions(), 1u);
  service.give("s1@files-0", task_of("render", "t1"));
  loop.run_ready();
  ASSERT_EQ(session->runs.size(), 1u) << "it is served as before";
  session->runs[0]->end(succeeded(1));
  complete(session);
  loop.advance(seconds(1));
  EXPECT_TRUE(drained);
}

TEST_F(EngineTest, WhatIsOpenAtTheEndOfTheGraceFailsForItsWorkflow) {
  open("r1");
  engine->drain(seconds(30), [this] { drained = true; });
  while (service.give_nothing(kRequests)) {
    loop.run_ready();
  }
  loop.advance(seconds(31));
  ASSERT_THAT(kinds(), ElementsAre("failed r1"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_TRUE(drained);
}

TEST_F(EngineTest, ASecondSignalHurries) {
  open("r1");
  engine->drain(minutes(60), [this] { drained = true; });
  engine->hurry();
  while (service.give_nothing(kRequests)) {
    loop.run_ready();
  }
  loop.advance(seconds(1));
  EXPECT_THAT(kinds(), ElementsAre("failed r1"));
  EXPECT_TRUE(drained);
}

TEST_F(EngineTest, ARecreationThatComesTooLateIsNoSessionToWaitFor) {
  complete(open("r1"));
  service.outcomes.clear();
  service.give("s1@files-0", task_of(std::string(kCreationActivity), "r2", "id-2"));
  engine->drain(minutes(60), [this] { drained = true; });
  engine->hurry();
  while (service.give_nothing(kRequests)) {
    loop.run_ready();
  }
  loop.advance(seconds(1));
  EXPECT_THAT(kinds(), ElementsAre("failed r2"));
  EXPECT_EQ(pool.session(1)->completed.size(), 1u);
  EXPECT_TRUE(drained);
}

TEST_F(EngineTest, DrainingWithNothingOpenEndsWithTheLastPoll) {
  engine->drain(minutes(60), [this] { drained = true; });
  loop.advance(seconds(5));
  EXPECT_FALSE(drained);
  service.give_nothing(kRequests);
  loop.advance(seconds(1));
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace berth::temporal
