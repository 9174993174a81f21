#include "berth/api/worker_config.h"

#include <gtest/gtest.h>

#include "tests/unit/api/expect_error.h"

namespace berth::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string sessions_error(const Json& sessions) {
  const auto r = parse_sessions_spec(sessions, "sessions");
  return r ? "" : r.error().text();
}

std::string activity_error(const Json& activity) {
  const auto r = parse_activities(Json::array({activity}), "activities");
  return r ? "" : r.error().text();
}

TEST(WorkerConfig, AppliesTheDefaults) {
  const auto c = WorkerConfig::parse({{"sessions", {{"maxPerWorker", 4}}}});
  ASSERT_TRUE(c) << c.error().text();
  SessionsSpec wanted;
  wanted.max_per_worker = 4;
  EXPECT_EQ(c->sessions, wanted);
  EXPECT_EQ(c->sessions.default_heartbeat_timeout, seconds(20));
  EXPECT_TRUE(c->activities.empty());
  EXPECT_FALSE(c->exec);
}

TEST(WorkerConfig, ReadsBackWhatWasWritten) {
  WorkerConfig c;
  c.exec = true;
  c.sessions.max_per_worker = 3;
  c.sessions.resources = {{"gpu", 2}};
  c.sessions.default_creation_timeout = seconds(5);
  c.sessions.default_execution_timeout = minutes(7);
  c.sessions.default_heartbeat_timeout = seconds(9);
  c.sessions.max_creation_timeout = seconds(50);
  c.sessions.max_execution_timeout = minutes(70);
  c.sessions.max_heartbeat_timeout = seconds(90);
  c.sessions.idle_timeout = minutes(3);
  c.sessions.max_activities_per_session = 5;
  c.sessions.max_disk_bytes_per_session = 1 << 30;
  c.sessions.max_file_bytes = 1 << 20;
  ActivitySpec command;
  command.name = "process";
  command.command = {"sh", "-c", "cat"};
  command.env = {{"LANG", "C"}, {"EMPTY", ""}};
  command.start_to_close_timeout = minutes(2);
  command.kill_grace = seconds(0);
  command.max_output_bytes = 100;
  command.max_processes = 10;
  command.max_memory_bytes = 1 << 28;
  command.max_cpu_seconds = 60;
  command.max_file_bytes = 1 << 24;
  ActivitySpec http;
  http.name = "ask";
  http.http_url = "http://127.0.0.1:8080/run";
  http.http_cancel_url = "http://[::1]:8080/cancel?x=1";
  c.activities = {command, http};
  const auto back = WorkerConfig::parse(to_json(c));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, c);
}

TEST(WorkerConfig, NamesFieldsBelowThePathOfItsCaller) {
  EXPECT_EQ(error_in(WorkerConfig::parse(Json::object())).field, "sessions");
  EXPECT_EQ(error_in(WorkerConfig::parse(Json::object(), "worker")).field, "worker.sessions");
  EXPECT_EQ(error_in(WorkerConfig::parse({{"sessions", {{"maxPerWorker", 0}}}})).text(),
            "InvalidArgument: sessions.maxPerWorker: must be between 1 and 10000, is 0");
  EXPECT_EQ(
      error_in(WorkerConfig::parse({{"sessions", {{"maxPerWorker", 1}}}, {"execs", true}})).field,
      "execs");
}

TEST(SessionsSpec, MustSayHowManySessions) {
  EXPECT_EQ(sessions_error(Json::object()), "InvalidArgument: sessions.maxPerWorker: is required");
}

TEST(SessionsSpec, RefusesADefaultBeyondItsLimit) {
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"defaults", {{"executionTimeout", "25h"}}}}),
            "InvalidArgument: sessions.defaults.executionTimeout: must be at most "
            "limits.maxExecutionTimeout (24h), is 25h");
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1},
                            {"defaults", {{"creationTimeout", "10s"}}},
                            {"limits", {{"maxCreationTimeout", "5s"}}}}),
            "InvalidArgument: sessions.defaults.creationTimeout: must be at most "
            "limits.maxCreationTimeout (5s), is 10s");
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"defaults", {{"heartbeatTimeout", "11m"}}}}),
            "InvalidArgument: sessions.defaults.heartbeatTimeout: must be at most "
            "limits.maxHeartbeatTimeout (10m), is 11m");
}

TEST(SessionsSpec, RefusesADefaultThatNoSessionCouldHave) {
  for (const char* field : {"executionTimeout", "heartbeatTimeout"}) {
    EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"defaults", {{field, "999ms"}}}}),
              "InvalidArgument: sessions.defaults." + std::string(field) +
                  ": must be between 1s and 87840h, is 999ms");
  }
}

TEST(SessionsSpec, LowersADefaultThatNobodyWroteToTheLimit) {
  const auto s = parse_sessions_spec(
      {{"maxPerWorker", 1}, {"limits", {{"maxExecutionTimeout", "10m"}}}}, "sessions");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->default_execution_timeout, minutes(10));
  EXPECT_EQ(s->default_creation_timeout, seconds(60));
}

TEST(SessionsSpec, RefusesTheSlotAmongTheResources) {
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"resources", {{"session", 1}}}}),
            "InvalidArgument: sessions.resources.session: is the slot itself; set maxPerWorker "
            "instead");
}

TEST(SessionsSpec, NamesTheWrongLimit) {
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"limits", {{"maxFileBytes", "10Gi"}}}}),
            "InvalidArgument: sessions.limits.maxFileBytes: must be an integer");
  EXPECT_EQ(sessions_error({{"maxPerWorker", 1}, {"limits", {{"idleTimout", "1s"}}}}),
            "InvalidArgument: sessions.limits.idleTimout: is not a known field; known here: "
            "maxCreationTimeout, maxExecutionTimeout, maxHeartbeatTimeout, idleTimeout, "
            "maxPerOwner, "
            "maxActivitiesPerSession, maxDiskBytesPerSession, maxFileBytes");
}

struct BadActivity {
  const char* what;
  const char* json;
  const char* error;
};

class BadActivities : public testing::TestWithParam<BadActivity> {};

TEST_P(BadActivities, AreRefusedWithTheFieldNamed) {
  const auto json = parse_json(GetParam().json);
  ASSERT_TRUE(json) << GetParam().json;
  EXPECT_EQ(activity_error(*json),
            std::string("InvalidArgument: activities[0]") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadActivities,
    testing::Values(
        BadActivity{"NoName", R"({"command":["a"]})", ".name: is required"},
        BadActivity{"BadName", R"({"name":"a b","command":["a"]})",
                    ".name: must be 1 to 63 characters of A-Z, a-z, 0-9, '_', '.' and '-'"},
        BadActivity{
            "Exec", R"({"name":"exec","command":["a"]})",
            ".name: 'exec' is reserved; to let clients run commands of their own, set exec: "
            "true"},
        BadActivity{"Neither", R"({"name":"a"})", ": must have exactly one of command and http"},
        BadActivity{"Both", R"({"name":"a","command":["a"],"http":{"url":"http://localhost"}})",
                    ": must have exactly one of command and http"},
        BadActivity{"CommandAsText", R"({"name":"a","command":"ls -l"})",
                    ".command: must be a list"},
        BadActivity{"EmptyCommand", R"({"name":"a","command":[]})",
                    ".command: must have 1 to 256 elements, has 0"},
        BadActivity{"NumberInCommand", R"({"name":"a","command":["sleep",5]})",
                    ".command[1]: must be a string; quote numbers and booleans"},
        BadActivity{"NulInCommand", R"({"name":"a","command":["a\u0000b"]})",
                    ".command[0]: must be shorter than 128 KiB and without NUL bytes"},
        BadActivity{"NoProgram", R"({"name":"a","command":[""]})",
                    ".command[0]: must name a program"},
        BadActivity{"NoUrl", R"({"name":"a","http":{}})", ".http.url: is required"},
        BadActivity{"EnvNumber", R"({"name":"a","command":["a"],"env":{"N":1}})",
                    ".env.N: must be a string; quote numbers and booleans"},
        BadActivity{"EnvName", R"({"name":"a","command":["a"],"env":{"A=B":"1"}})",
                    ".env.A=B: is no variable name: empty, or with '=' or NUL in it"},
        BadActivity{"EnvOfHttp",
                    R"({"name":"a","http":{"url":"http://localhost"},"env":{"A":"1"}})",
                    ".env: goes with command only; leave it out"},
        BadActivity{"GraceTooLong", R"({"name":"a","command":["a"],"limits":{"killGrace":"2h"}})",
                    ".limits.killGrace: must be between 0s and 1h, is 2h"},
        BadActivity{"NoOutput", R"({"name":"a","command":["a"],"limits":{"maxOutputBytes":0}})",
                    ".limits.maxOutputBytes: must be between 1 and 1073741824, is 0"},
        BadActivity{"ProcessLimitOfHttp",
                    R"({"name":"a","http":{"url":"http://localhost"},"limits":{"maxProcesses":1}})",
                    ".limits.maxProcesses: limits a command's processes and has no effect on http; "
                    "leave it out"},
        BadActivity{"Unknown", R"({"name":"a","command":["a"],"timeout":"1s"})",
                    ".timeout: is not a known field; known here: name, command, http, env, "
                    "limits"}),
    [](const auto& i) { return i.param.what; });

TEST(ParseActivities, AcceptsOnlyUrlsOfTheSamePod) {
  const auto error = [](const char* url) {
    return activity_error({{"name", "a"}, {"http", {{"url", url}}}});
  };
  for (const char* good : {"http://127.0.0.1", "http://127.0.0.1:8080/x", "http://localhost/",
                           "http://[::1]:1?q=1", "http://localhost:65535"}) {
    EXPECT_EQ(error(good), "") << good;
  }
  for (const char* bad :
       {"https://127.0.0.1/", "http://127.0.0.10/", "http://localhost.evil.example/",
        "http://10.0.0.1/", "http://localhost:0/", "http://localhost:65536/", "http://localhost:/",
        "http://localhost@evil.example/", "http://localhost:80@evil.example/",
        "http://localhost\\@evil", "http://localhost/a b", "http://localhost/\r\nHost: x",
        "http://localhost/#f", "localhost:80", "http://"}) {
    EXPECT_NE(error(bad).find("activities[0].http.url: must be a URL in the same pod"),
              std::string::npos)
        << bad;
  }
}

TEST(ParseActivities, RefusesANameUsedTwice) {
  const Json one = {{"name", "a"}, {"command", {"x"}}};
  EXPECT_EQ(error_in(parse_activities(Json::array({one, one}), "activities")).text(),
            "InvalidArgument: activities[1].name: 'a' is already used above");
}

TEST(ParseActivities, RefusesMoreThanAHundred) {
  Json many = Json::array();
  for (int i = 0; i < 101; ++i) {
    many.push_back({{"name", "a" + std::to_string(i)}, {"command", {"x"}}});
  }
  EXPECT_EQ(error_in(parse_activities(many, "activities")).text(),
            "InvalidArgument: activities: must have at most 100 activities, has 101");
  many.erase(0);
  EXPECT_TRUE(parse_activities(many, "activities"));
}

}  // namespace
}  // namespace berth::api
