#include "berth/api/session.h"

#include <gtest/gtest.h>

#include "tests/unit/api/expect_error.h"

namespace berth::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

WallTime wall(const char* text) {
  return parse_rfc3339(text).value();
}

WorkerRef a_worker() {
  return {"files-0", WorkerUid("u-1"), Incarnation("i-1"), "10.0.0.1:7600"};
}

std::string create_error(const Json& body) {
  const auto r = CreateSession::parse(body);
  return r ? "" : r.error().text();
}

TEST(CreateSession, UsesTheNamesOfTheContract) {
  const Json body = {{"id", "s-1"},
                     {"tokenHash", std::string(64, 'a')},
                     {"creationTimeout", "30s"},
                     {"executionTimeout", "2h"},
                     {"heartbeatTimeout", "1500ms"},
                     {"resources", {{"gpu", 1}}},
                     {"owner", "alice"},
                     {"attempt", "n-1"},
                     {"recreateToken", "t"}};
  const auto c = CreateSession::parse(body);
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->id, SessionId("s-1"));
  EXPECT_EQ(c->creation_timeout, seconds(30));
  EXPECT_EQ(c->execution_timeout, std::chrono::hours(2));
  EXPECT_EQ(c->heartbeat_timeout, milliseconds(1500));
  EXPECT_EQ(c->resources, (Resources{{"gpu", 1}}));
  EXPECT_EQ(c->owner, "alice");
  EXPECT_EQ(c->attempt, "n-1");
  Json again = body;
  again["heartbeatTimeout"] = "1s500ms";
  EXPECT_EQ(to_json(*c), again);
}

TEST(CreateSession, NeedsNothing) {
  const auto c = CreateSession::parse(Json::object());
  ASSERT_TRUE(c);
  EXPECT_TRUE(c->id.empty());
  EXPECT_FALSE(c->token_hash || c->creation_timeout || c->recreate_token);
  EXPECT_EQ(to_json(*c), Json::object());
}

TEST(CreateSession, NamesTheWrongField) {
  EXPECT_EQ(create_error(Json::array()), "InvalidArgument: must be an object");
  EXPECT_EQ(create_error({{"id", "../x"}}),
            "InvalidArgument: id: must be 1 to 63 characters of a-z, 0-9 and '-', is '../x'");
  EXPECT_EQ(create_error({{"id", 7}}), "InvalidArgument: id: must be a string");
  EXPECT_EQ(create_error({{"tokenHash", "abc"}}),
            "InvalidArgument: tokenHash: must be the SHA-256 of the token as 64 lower-case hex "
            "digits");
  EXPECT_EQ(create_error({{"heartbeatTimeout", 20}}),
            "InvalidArgument: heartbeatTimeout: must be a duration as text, like \"20s\"");
  EXPECT_EQ(create_error({{"executionTimeout", "-1s"}}).find("InvalidArgument: executionTimeout: "),
            0U);
  EXPECT_EQ(create_error({{"resources", {{"gpu", "1"}}}}),
            "InvalidArgument: resources.gpu: must be an integer");
  EXPECT_EQ(create_error({{"owner", std::string(513, 'o')}}),
            "InvalidArgument: owner: must be at most 512 bytes, is 513");
  EXPECT_EQ(create_error({{"recreateToken", std::string(1025, 't')}}),
            "InvalidArgument: recreateToken: must be at most 1024 bytes, is 1025");
}

TEST(CreateSession, RefusesUnknownFieldsAndListsTheKnownOnce) {
  EXPECT_EQ(create_error({{"heartbeat", "20s"}}),
            "InvalidArgument: heartbeat: is not a known field; known here: id, tokenHash, "
            "creationTimeout, executionTimeout, heartbeatTimeout, resources, owner, attempt, "
            "recreateToken");
}

TEST(CreateSession, RefusesTheSlotAmongTheResources) {
  EXPECT_EQ(create_error({{"resources", {{"session", 2}}}}),
            "InvalidArgument: resources.session: is the slot itself, which each session takes "
            "once; leave it out");
}

SessionCreated a_created() {
  SessionCreated s;
  s.id = SessionId("s-1");
  s.worker = a_worker();
  s.token = "secret";
  s.recreate_token = "again";
  s.heartbeat_timeout = seconds(20);
  s.lease_expires_at = wall("2026-11-22T18:34:11.250Z");
  s.lease_remaining = milliseconds(19'750);
  s.execution_deadline = wall("2026-11-22T19:34:11.250Z");
  s.execution_remaining = seconds(3600);
  return s;
}

TEST(SessionCreated, ReadsBackWhatWasWritten) {
  const Json j = to_json(a_created());
  EXPECT_EQ(j["worker"], (Json{{"name", "files-0"},
                               {"uid", "u-1"},
                               {"incarnation", "i-1"},
                               {"address", "10.0.0.1:7600"}}));
  EXPECT_EQ(j["leaseExpiresAt"], "2026-11-22T18:34:11.250Z");
  EXPECT_EQ(j["leaseSecondsRemaining"], 19.75);
  EXPECT_EQ(j["executionSecondsRemaining"], 3600.0);
  const auto s = SessionCreated::parse(j);
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->token, "secret");
  EXPECT_EQ(s->lease_remaining, milliseconds(19'750));
  EXPECT_EQ(s->lease_expires_at, a_created().lease_expires_at);
  EXPECT_EQ(to_json(*s), j);
}

TEST(SessionCreated, LeavesTheTokenOutWhenThereIsNone) {
  SessionCreated s = a_created();
  s.token.reset();
  EXPECT_FALSE(to_json(s).contains("token"));
  EXPECT_FALSE(SessionCreated::parse(to_json(s))->token);
}

TEST(SessionCreated, IgnoresWhatANewerServerAdds) {
  Json j = to_json(a_created());
  j["shiny"] = true;
  j["worker"]["zone"] = "b";
  EXPECT_TRUE(SessionCreated::parse(j));
}

TEST(SessionCreated, NamesWhatAServerLeftOut) {
  Json j = to_json(a_created());
  j["worker"].erase("uid");
  EXPECT_EQ(error_in(SessionCreated::parse(j)).field, "worker.uid");
  j.erase("worker");
  EXPECT_EQ(error_in(SessionCreated::parse(j)).field, "worker");
  j = to_json(a_created());
  j.erase("leaseSecondsRemaining");
  EXPECT_EQ(error_in(SessionCreated::parse(j)).field, "leaseSecondsRemaining");
  j = to_json(a_created());
  j.erase("heartbeatTimeout");
  EXPECT_EQ(error_in(SessionCreated::parse(j)).field, "heartbeatTimeout");
}

TEST(SessionCreated, WritesASpentLeaseAsZero) {
  SessionCreated s = a_created();
  s.lease_remaining = -seconds(3);
  EXPECT_EQ(to_json(s)["leaseSecondsRemaining"], 0.0);
}

SessionInfo an_info() {
  SessionInfo s;
  s.id = SessionId("s-1");
  s.state = SessionState::kEnded;
  s.end_reason = EndReason::kLeaseExpired;
  s.owner = "alice";
  s.host_name = "files-0";
  s.worker = a_worker();
  s.resources = {{kSlot, 1}, {"gpu", 1}};
  s.created_at = wall("2026-11-22T18:00:00.000Z");
  s.age = seconds(61);
  s.lease_expires_at = wall("2026-11-22T18:01:00.000Z");
  s.lease_remaining = seconds(1);
  s.execution_deadline = wall("2026-11-22T19:00:00.000Z");
  s.execution_remaining = seconds(3539);
  s.activities_running = 2;
  s.disk_bytes = 4096;
  return s;
}

TEST(SessionInfo, ReadsBackWhatWasWritten) {
  const Json j = to_json(an_info());
  EXPECT_EQ(j["state"], "Ended");
  EXPECT_EQ(j["endReason"], "LeaseExpired");
  EXPECT_EQ(j["ageSeconds"], 61.0);
  EXPECT_EQ(j["activitiesRunning"], 2);
  const auto s = SessionInfo::parse(j);
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->end_reason, EndReason::kLeaseExpired);
  EXPECT_EQ(s->created_at, an_info().created_at);
  EXPECT_EQ(to_json(*s), j);
}

TEST(SessionInfo, KeepsSightOfASessionThatEndedForAReasonOfTheFuture) {
  Json j = to_json(an_info());
  j["endReason"] = "MeteorStrike";
  const auto s = SessionInfo::parse(j);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->state, SessionState::kEnded);
  EXPECT_FALSE(s->end_reason);
}

TEST(SessionInfo, RefusesAStateThatItCannotJudge) {
  Json j = to_json(an_info());
  j["state"] = "Napping";
  EXPECT_EQ(error_in(SessionInfo::parse(j)).text(),
            "InvalidArgument: state: must be Open, Ending or Ended, is 'Napping'");
  j.erase("state");
  EXPECT_EQ(error_in(SessionInfo::parse(j)).text(), "InvalidArgument: state: is required");
}

TEST(SessionInfo, RefusesATimeThatIsNone) {
  Json j = to_json(an_info());
  j["createdAt"] = "yesterday";
  EXPECT_EQ(error_in(SessionInfo::parse(j)).field, "createdAt");
}

TEST(Slots, ReadsBackWhatWasWritten) {
  Slots s;
  s.incarnation = Incarnation("i-1");
  s.version = 12;
  s.state = WorkerState::kCordoned;
  s.capacity = {{kSlot, 4}, {"gpu", 2}};
  s.used = {{kSlot, 1}, {"gpu", 0}};
  s.sessions = 1;
  s.activities = 3;
  s.epoch = 7;
  const Json j = to_json(s);
  EXPECT_EQ(j["resources"]["session"], (Json{{"capacity", 4}, {"used", 1}}));
  const auto back = Slots::parse(j);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->capacity, s.capacity);
  EXPECT_EQ(back->used, s.used);
  EXPECT_FALSE(back->admits());
  EXPECT_EQ(to_json(*back), j);
}

TEST(Slots, WritesWhatNobodyUsesAsZero) {
  Slots s;
  s.capacity = {{kSlot, 4}};
  EXPECT_EQ(to_json(s)["resources"]["session"]["used"], 0);
}

TEST(Slots, NamesTheResourceWithoutCapacity) {
  const Json j = {{"incarnation", "i"}, {"version", 1},
                  {"state", "Active"},  {"resources", {{"gpu", {{"used", 1}}}}},
                  {"sessions", 0},      {"new", "field"}};
  EXPECT_EQ(error_in(Slots::parse(j)).text(),
            "InvalidArgument: resources.gpu.capacity: is required");
}

TEST(Slots, AreNoDataWithoutAKnownState) {
  Json j = to_json(Slots{});
  j["state"] = "Dreaming";
  EXPECT_EQ(error_in(Slots::parse(j)).field, "state");
}

TEST(Demand, ReadsBackWhatWasWritten) {
  Demand d;
  d.replica = "gateway-0";
  d.version = 3;
  d.ns = "default";
  d.pool = "files";
  d.waiting = {{SessionId("s-1"), {{"gpu", 1}}, milliseconds(2500)}, {SessionId("s-2"), {}, {}}};
  d.waiting_total = 20'000;
  const Json j = to_json(d);
  EXPECT_EQ(j["namespace"], "default");
  EXPECT_EQ(j["waiting"][0],
            (Json{{"id", "s-1"}, {"resources", {{"gpu", 1}}}, {"ageSeconds", 2.5}}));
  const auto back = Demand::parse(j);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->waiting[0].age, milliseconds(2500));
  EXPECT_EQ(to_json(*back), j);
}

TEST(Demand, NamesTheWrongElement) {
  Json j = to_json(Demand{});
  j["waiting"] = {{{"id", "s-1"}}, {{"id", 2}}};
  EXPECT_EQ(error_in(Demand::parse(j)).text(), "InvalidArgument: waiting[1].id: must be a string");
}

TEST(Demand, RefusesAListBeyondItsBound) {
  Json j = to_json(Demand{});
  j["waiting"] = std::vector<Json>(10'001, Json{{"id", "s"}});
  EXPECT_EQ(error_in(Demand::parse(j)).field, "waiting");
}

TEST(EnumTexts, ReadBackToTheSameValue) {
  for (const auto r :
       {EndReason::kCompleted, EndReason::kLeaseExpired, EndReason::kExecutionTimeout,
        EndReason::kIdleTimeout, EndReason::kDrainDeadline, EndReason::kWorkerShutdown,
        EndReason::kGivenBack, EndReason::kHostRestarted}) {
    EXPECT_EQ(parse_end_reason(to_string(r)), r);
  }
  for (const auto s : {WorkerState::kActive, WorkerState::kCordoned, WorkerState::kDraining,
                       WorkerState::kRetired}) {
    EXPECT_EQ(parse_worker_state(to_string(s)), s);
  }
  for (const auto s : {SessionState::kOpen, SessionState::kEnding, SessionState::kEnded}) {
    EXPECT_EQ(parse_session_state(to_string(s)), s);
  }
  EXPECT_EQ(to_string(EndReason::kGivenBack), "GivenBack");
  EXPECT_EQ(parse_end_reason("completed"), std::nullopt);
}

}  // namespace
}  // namespace berth::api
