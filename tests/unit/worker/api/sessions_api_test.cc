#include "berth/api/recreate_token.h"
#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

TEST_F(ServiceTest, CreateAnswersWhereTheSessionIsAndHowLongItLives) {
  const auto e = open("s1");
  ASSERT_EQ(e->status(), 201);
  const Json b = e->body();
  EXPECT_EQ(b["id"], "s1");
  EXPECT_EQ(b["worker"]["name"], "pool-0");
  EXPECT_EQ(b["worker"]["uid"], "uid-1");
  EXPECT_EQ(b["worker"]["address"], "10.0.0.1:7600");
  EXPECT_EQ(b["leaseSecondsRemaining"], 20.0);
  EXPECT_EQ(b["executionSecondsRemaining"], 3600.0);
  EXPECT_FALSE(b.contains("token"));
  EXPECT_TRUE(logged("session opened"));
}

TEST_F(ServiceTest, ARepeatedCreateGetsTheSameAnswerWith200AlsoAfterARestart) {
  const Json first = open("s1")->body();
  const auto again = open("s1");
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(again->body()["recreateToken"], first["recreateToken"]);
  make();
  for (const Record& r : ledger_.records) {
    table_->replay(r);
  }
  table_->finish_restore(true);
  const auto restarted = open("s1");
  EXPECT_EQ(restarted->status(), 200);
  EXPECT_EQ(restarted->body()["recreateToken"], first["recreateToken"]);
  EXPECT_EQ(restarted->body()["executionSecondsRemaining"], first["executionSecondsRemaining"]);
}

TEST_F(ServiceTest, ATokenMadeByTheWorkerIsAnsweredOnceAndWorks) {
  const auto e = post("/v1/sessions", {{"id", "s1"}});
  ASSERT_EQ(e->status(), 201);
  const std::string made = e->body()["token"];
  EXPECT_EQ(made.size(), 43u);
  EXPECT_EQ(post(path("s1", "/heartbeat"), {}, made)->status(), 200);
  const auto again = post("/v1/sessions", {{"id", "s1"}});
  EXPECT_EQ(again->status(), 409);
  EXPECT_EQ(again->code(), "SessionIdTaken");
}

TEST_F(ServiceTest, TokensAreNeitherWrittenDownNorLogged) {
  const std::string made = post("/v1/sessions", {{"id", "s1"}})->body()["token"];
  for (const Record& r : ledger_.records) {
    if (const auto* opened = std::get_if<SessionOpenedRecord>(&r)) {
      EXPECT_NE(opened->token_hash, made);
      EXPECT_EQ(opened->token_hash, auth::sha256_hex(made));
    }
  }
  EXPECT_FALSE(logged(made));
}

TEST_F(ServiceTest, BadCreatesNameTheField) {
  EXPECT_EQ(post("/v1/sessions", {{"id", "No Good"}})->body()["field"], "id");
  EXPECT_EQ(open("s1", {{"heartbeatTimeout", "1h"}})->body()["field"], "heartbeatTimeout");
  EXPECT_EQ(open("s1", {{"resources", {{"gpu", 5}}}})->body()["field"], "resources.gpu");
  EXPECT_EQ(open("s1", {{"colour", "red"}})->body()["field"], "colour");
  const auto garbage = call(router_, "POST", "/v1/sessions", "", "{nonsense");
  EXPECT_EQ(garbage->status(), 400);
  EXPECT_EQ(garbage->body()["field"], "body");
  EXPECT_EQ(slots()["sessions"], 0);
}

TEST_F(ServiceTest, RefusalsHaveTheStatusAndReasonThatGatewaysActOn) {
  EXPECT_EQ(open("s1", {{"resources", {{"gpu", 1}}}})->status(), 201);
  const auto short_of_gpu = open("s2", {{"resources", {{"gpu", 1}}}});
  EXPECT_EQ(short_of_gpu->status(), 429);
  EXPECT_EQ(short_of_gpu->code(), "NoFreeSlot");
  EXPECT_EQ(short_of_gpu->body()["field"], "resources.gpu");
  ASSERT_EQ(post("/v1/cordon", {{"epoch", 1}})->status(), 200);
  const auto cordoned = open("s2");
  EXPECT_EQ(cordoned->status(), 503);
  EXPECT_EQ(cordoned->code(), "Cordoned");
  EXPECT_EQ(metric("berth_worker_session_rejections_total{reason=\"NoFreeSlot\"}"), "1");
  EXPECT_EQ(metric("berth_worker_session_rejections_total{reason=\"Cordoned\"}"), "1");
}

TEST_F(ServiceTest, AJournalThatCannotBeWrittenIs503AndNothingHalfDone) {
  ledger_.full = true;
  const auto e = open("s1");
  EXPECT_EQ(e->status(), 503);
  EXPECT_EQ(e->code(), "JournalUnavailable");
  EXPECT_EQ(slots()["sessions"], 0);
}

TEST_F(ServiceTest, ASessionCallNeedsTheSessionsOwnToken) {
  open("s1");
  open("s2");
  EXPECT_EQ(get(path("s1"))->status(), 401);
  const auto wrong = get(path("s1"), token("s2"));
  EXPECT_EQ(wrong->status(), 403);
  EXPECT_EQ(wrong->code(), "TokenMismatch");
  EXPECT_EQ(remove(path("s1"), token("s2"))->status(), 403);
  EXPECT_EQ(get(path("s1"), token("s1"))->status(), 200);
  EXPECT_EQ(get(path("s9"), token("s1"))->code(), "SessionNotFound");
}

TEST_F(ServiceTest, ACallWithAWrongTokenDoesNotRenewTheLease) {
  open("s1");
  loop_.advance(15s);
  post(path("s1", "/heartbeat"), {}, "wrong");
  loop_.advance(5s);
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["state"], "Ended");
}

TEST_F(ServiceTest, EveryAuthenticatedCallRenewsTheLease) {
  open("s1");
  for (int i = 0; i < 4; ++i) {
    loop_.advance(15s);
    EXPECT_EQ(get(path("s1"), token("s1"))->body()["leaseSecondsRemaining"], 20.0);
  }
  loop_.advance(20s);
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["endReason"], "LeaseExpired");
  EXPECT_TRUE(logged("LeaseExpired"));
}

TEST_F(ServiceTest, CompleteAnswers202WhileActivitiesStopAnd200AfterIt) {
  open("s1");
  start("s1", "a");
  auto e = remove(path("s1"), token("s1"));
  EXPECT_EQ(e->status(), 202);
  EXPECT_EQ(e->body()["state"], "Ending");
  EXPECT_EQ(executor_->runs.at("a")->cancels, std::vector<std::string>{"SessionEnded"});
  EXPECT_EQ(slots()["sessions"], 1);
  executor_->finish("a", api::ActivityState::kCancelled);
  EXPECT_EQ(slots()["sessions"], 0);
  e = remove(path("s1"), token("s1"));
  EXPECT_EQ(e->status(), 200);
  EXPECT_EQ(e->body()["state"], "Ended");
  EXPECT_EQ(e->body()["endReason"], "Completed");
}

TEST_F(ServiceTest, AnEndedSessionAnswers410WithTheReason) {
  open("s1");
  loop_.advance(20s);
  const auto e = post(path("s1", "/heartbeat"), {}, token("s1"));
  EXPECT_EQ(e->status(), 410);
  EXPECT_EQ(e->code(), "SessionEnded");
  EXPECT_EQ(e->body()["endReason"], "LeaseExpired");
  EXPECT_EQ(post(path("s1", "/heartbeat"), {}, "wrong")->status(), 403);
  EXPECT_EQ(open("s1")->status(), 410);
}

TEST_F(ServiceTest, GiveBackWorksForItsAttemptOnly) {
  open("s1", {{"attempt", "n1"}});
  open("s1", {{"attempt", "n2"}});
  EXPECT_EQ(remove(path("s1", "?attempt=n1"))->code(), "SessionClaimed");
  EXPECT_EQ(remove(path("s1", "?attempt=n2"))->status(), 200);
  EXPECT_EQ(slots()["sessions"], 0);
  EXPECT_EQ(open("s1", {{"attempt", "n3"}})->status(), 201);
  post(path("s1", "/heartbeat"), {}, token("s1"));
  EXPECT_EQ(remove(path("s1", "?attempt=n3"))->code(), "SessionClaimed");
  EXPECT_EQ(remove(path("nobody", "?attempt=n3"))->status(), 404);
}

TEST_F(ServiceTest, ARecreateTokenGetsTheHeldSlotAndItsDirectory) {
  const Json first = open("s1", {{"resources", {{"gpu", 1}}}})->body();
  start("s1", "a");
  executor_->finish("a");
  ASSERT_EQ(directories_.existing.count("s1"), 1u);
  EXPECT_EQ(post(path("s1", "/complete?keepFor=60s"), {}, token("s1"))->status(), 200);
  EXPECT_EQ(slots()["resources"]["gpu"]["used"], 1);
  const auto again =
      open("s2", {{"resources", {{"gpu", 1}}}, {"recreateToken", first["recreateToken"]}});
  EXPECT_EQ(again->status(), 201);
  EXPECT_EQ(directories_.existing, std::set<std::string>{"s2"});
}

TEST_F(ServiceTest, AnUnclaimedHoldLosesItsDirectory) {
  open("s1");
  start("s1", "a");
  executor_->finish("a");
  post(path("s1", "/complete?keepFor=60s"), {}, token("s1"));
  loop_.advance(59s);
  EXPECT_EQ(directories_.existing.count("s1"), 1u);
  loop_.advance(1s);
  EXPECT_TRUE(directories_.existing.empty());
  EXPECT_EQ(slots()["sessions"], 0);
}

TEST_F(ServiceTest, ARecreateTokenOfAnotherWorkerOrAForgedOneIsRefused) {
  const std::string mine = open("s1")->body()["recreateToken"];
  auto token_of = [&](auto change) {
    auto t = *api::RecreateToken::parse(mine);
    change(t);
    return t.text();
  };
  const auto elsewhere =
      open("s2", {{"recreateToken", token_of([](auto& t) { t.uid = api::WorkerUid("uid-2"); })}});
  EXPECT_EQ(elsewhere->status(), 409);
  EXPECT_EQ(elsewhere->code(), "WrongWorker");
  const auto forged = open("s2", {{"recreateToken", token_of([](auto& t) { t.secret[0] ^= 1; })}});
  EXPECT_EQ(forged->status(), 403);
  EXPECT_EQ(open("s2", {{"recreateToken", "x"}})->body()["field"], "recreateToken");
  EXPECT_EQ(open("s2", {{"recreateToken", mine}})->status(), 201);
}

TEST_F(ServiceTest, ATakeoverWhoseDirectoryCannotBeMovedOpensNothing) {
  const std::string token_text = open("s1")->body()["recreateToken"];
  post(path("s1", "/complete?keepFor=60s"), {}, token("s1"));
  directories_.broken = true;
  EXPECT_EQ(open("s2", {{"recreateToken", token_text}})->status(), 500);
  EXPECT_EQ(slots()["sessions"], 0);
}

TEST_F(ServiceTest, KeepForIsBounded) {
  open("s1");
  const auto e = post(path("s1", "/complete?keepFor=2h"), {}, token("s1"));
  EXPECT_EQ(e->status(), 400);
  EXPECT_EQ(e->body()["field"], "keepFor");
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["state"], "Open");
}

TEST_F(ServiceTest, ListsSessionsWithTheirOwners) {
  open("s1", {{"owner", "ada"}});
  open("s2");
  const Json list = get("/v1/sessions")->body()["sessions"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["id"], "s1");
  EXPECT_EQ(list[0]["owner"], "ada");
}

TEST_F(ServiceTest, ASessionIdThatIsAPathIsRefused) {
  EXPECT_EQ(get("/v1/sessions/..%2f..", "x")->status(), 400);
  EXPECT_EQ(open("..")->status(), 400);
}

TEST_F(ServiceTest, MetricsFollowTheSessions) {
  open("s1");
  EXPECT_EQ(metric("berth_worker_sessions_open"), "1");
  EXPECT_EQ(metric("berth_worker_sessions_ended_total{reason=\"LeaseExpired\"}"), "0")
      << "so that increase() sees the first one";
  EXPECT_EQ(metric("berth_worker_session_rejections_total{reason=\"Other\"}"), "0");
  EXPECT_EQ(metric("berth_worker_sessions_created_total"), "1");
  EXPECT_EQ(metric("berth_worker_session_slots{resource=\"session\"}"), "3");
  EXPECT_EQ(metric("berth_worker_session_slots_used{resource=\"session\"}"), "1");
  loop_.advance(20s);
  EXPECT_EQ(metric("berth_worker_sessions_open"), "0");
  EXPECT_EQ(metric("berth_worker_sessions_ended_total{reason=\"LeaseExpired\"}"), "1");
  EXPECT_EQ(metric("berth_worker_session_duration_seconds_count"), "1");
}

}  // namespace
}  // namespace berth::worker
