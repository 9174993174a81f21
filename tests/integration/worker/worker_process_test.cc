#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "berth/auth/control_token.h"
#include "tests/integration/worker/worker_under_test.h"

namespace berth::worker {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kYaml = R"(
sessions: {maxPerWorker: 3}
exec: true
activities:
- name: nap
  command: [sh, -c, "sleep 1000 & echo $! > child; wait"]
  limits: {killGrace: 1s}
)";

class WorkerProcessTest : public ::testing::Test {
 protected:
  static Json exec(const std::string& script) {
    return {{"type", "exec"}, {"input", {{"argv", {"sh", "-c", script}}}}};
  }
  static std::string path(const std::string& id, const std::string& rest = "") {
    return "/v1/sessions/" + id + rest;
  }
  static std::string code(const WorkerUnderTest::Answer& a) {
    return get_string(a.body, "code").value_or("");
  }
  std::string start_nap(const std::string& session, const std::string& token) {
    // The child's number is in the file as soon as the command runs; exec waits for it beside it.
    worker_.call("POST", path(session, "/activities"), token,
                 R"({"activityId": "nap", "type": "nap"})");
    const auto seen =
        worker_.run(session, token, "see", exec("until [ -s child ]; do :; done; cat child >&2"));
    return get_string(seen.body, "stderrTail").value_or("");
  }

  WorkerUnderTest worker_{BERTH_WORKER_BINARY, kYaml};
};

TEST_F(WorkerProcessTest, SessionsResultsAndSwitchesSurviveKill9) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t1 = worker_.open("s1", {{"heartbeatTimeout", "5m"}});
  const std::string t2 = worker_.open("s2");
  ASSERT_FALSE(t1.empty());
  worker_.call("DELETE", path("s2"), t2);
  const auto made = worker_.run("s1", t1, "make", exec("echo kept > note; echo out"));
  ASSERT_EQ(made.body["state"], "Succeeded") << made.text;
  ASSERT_EQ(worker_.call("POST", "/v1/cordon", "", R"({"epoch": 5})").status, 200);
  const Json before = worker_.call("GET", "/v1/slots").body;

  worker_.kill();
  ASSERT_TRUE(worker_.start()) << worker_.output();

  const Json slots = worker_.call("GET", "/v1/slots").body;
  EXPECT_NE(slots["incarnation"], before["incarnation"]);
  EXPECT_EQ(slots["state"], "Cordoned");
  EXPECT_EQ(slots["epoch"], 5);
  EXPECT_EQ(slots["sessions"], 1);
  EXPECT_EQ(worker_.call("GET", path("s1"), t1).body["state"], "Open");
  EXPECT_EQ(worker_.call("GET", path("s1", "/files/note"), t1).text, "kept\n");
  EXPECT_EQ(worker_.call("GET", path("s1", "/activities/make"), t1).body["stdoutBase64"],
            made.body["stdoutBase64"]);
  EXPECT_EQ(worker_.call("GET", path("s2"), t2).body["endReason"], "Completed");
  EXPECT_EQ(code(worker_.call("POST", path("s2", "/heartbeat"), t2)), "SessionEnded");
  EXPECT_FALSE(fs::exists(worker_.directory() / "sessions" / "s2"));
}

TEST_F(WorkerProcessTest, AfterKill9MidActivityItsProcessesAreDeadAndItIsWorkerRestarted) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t = worker_.open("s1", {{"heartbeatTimeout", "5m"}});
  const int child = std::atoi(start_nap("s1", t).c_str());
  ASSERT_GT(child, 1);
  worker_.kill();
  ASSERT_EQ(::kill(child, 0), 0)
      << "the child should have outlived its worker, or this test shows nothing";
  ASSERT_TRUE(worker_.start()) << worker_.output();
  // Dead, or a zombie that nobody here can reap.
  std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  EXPECT_TRUE(text.empty() || text.find(") Z ") != std::string::npos) << text;
  const Json nap = worker_.call("GET", path("s1", "/activities/nap"), t).body;
  EXPECT_EQ(nap["state"], "Failed");
  EXPECT_EQ(nap["failure"]["type"], "WorkerRestarted");
  EXPECT_EQ(worker_.run("s1", t, "after", exec("true")).body["state"], "Succeeded");
}

TEST_F(WorkerProcessTest, RetireCrashRestartIsStillRetired) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  ASSERT_EQ(worker_.call("POST", "/v1/retire").status, 200);
  worker_.kill();
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_EQ(code(worker_.call("POST", "/v1/sessions", "", R"({"id": "s1"})")), "Retired");
}

TEST_F(WorkerProcessTest, ARetiredWorkerThatIsNotToldToStopExitsByItself) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  ASSERT_EQ(worker_.call("POST", "/v1/retire").status, 200);
  EXPECT_EQ(worker_.wait(), 0);
  EXPECT_NE(worker_.output().find("retired and not told to stop since"), std::string::npos);
}

TEST_F(WorkerProcessTest, ADamagedJournalIsKeptAsideAndTheWorkerStartsRetired) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  worker_.open("s1");
  worker_.kill();
  {
    std::fstream f(worker_.directory() / "state" / "journal",
                   std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(40);
    f.put('\x7e');
  }
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_EQ(worker_.call("GET", "/v1/slots").body["state"], "Retired");
  EXPECT_TRUE(fs::exists(worker_.directory() / "state" / "journal.unreadable-1"));
}

TEST_F(WorkerProcessTest, SigtermServesOpenSessionsAndExitsWhenTheLastIsOver) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t = worker_.open("s1", {{"heartbeatTimeout", "5m"}});
  worker_.signal(SIGTERM);
  WorkerUnderTest::Answer slots;
  do {
    slots = worker_.call("GET", "/v1/slots");
  } while (slots.status == 200 && slots.body["state"] == "Active");
  EXPECT_EQ(slots.body["state"], "Draining");
  EXPECT_EQ(code(worker_.call("POST", "/v1/sessions", "", R"({"id": "s2"})")), "Draining");
  EXPECT_EQ(worker_.run("s1", t, "a", exec("true")).body["state"], "Succeeded");
  EXPECT_EQ(worker_.call("DELETE", path("s1"), t).status, 200);
  EXPECT_EQ(worker_.wait(), 0) << worker_.output();
}

TEST_F(WorkerProcessTest, SigtermEndsWhatIsLeftBeforeTheGraceIsOver) {
  std::ofstream(worker_.directory() / "worker.yaml", std::ios::app) << "grace: 4s\n";
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t = worker_.open("s1", {{"heartbeatTimeout", "5m"}});
  ASSERT_FALSE(start_nap("s1", t).empty());
  worker_.signal(SIGTERM);
  EXPECT_EQ(worker_.wait(), 0) << worker_.output();
  EXPECT_THAT(worker_.output(), ::testing::HasSubstr("WorkerShutdown"));
  // Not a promise for the next life: sessions that ended stay ended, but the worker takes new ones.
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_EQ(worker_.call("GET", path("s1"), t).body["endReason"], "WorkerShutdown");
  EXPECT_FALSE(worker_.open("s2").empty());
}

TEST_F(WorkerProcessTest, SigstopForLongerThanALeaseEndsNoSession) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t = worker_.open("s1", {{"heartbeatTimeout", "1s"}});
  worker_.signal(SIGSTOP);
  // What is tested is the passing of time itself.
  std::this_thread::sleep_for(2500ms);
  worker_.signal(SIGCONT);
  EXPECT_EQ(worker_.call("GET", path("s1"), t).body["state"], "Open");
}

TEST_F(WorkerProcessTest, OnAFullDiskCreatesAreRefusedAndEndsStillWork) {
  worker_.max_file_bytes = 3000;
  ASSERT_TRUE(worker_.start()) << worker_.output();
  std::string id;
  std::string token;
  WorkerUnderTest::Answer refused;
  for (int i = 0; i < 100 && refused.status == 0; ++i) {
    const auto a =
        worker_.call("POST", "/v1/sessions", "", dump_json({{"id", "s" + std::to_string(i)}}));
    if (a.status == 201) {
      id = a.body["id"];
      token = a.body["token"];
      ASSERT_EQ(worker_.call("DELETE", path(id), token).body["state"], "Ended");
    } else {
      refused = a;
    }
  }
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(code(refused), "JournalUnavailable");
  EXPECT_EQ(worker_.call("GET", "/v1/slots").body["sessions"], 0);
  worker_.max_file_bytes = 0;
  worker_.kill();
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_EQ(worker_.call("GET", path(id), token).body["state"], "Ended");
  EXPECT_FALSE(worker_.open("fresh").empty());
}

TEST_F(WorkerProcessTest, APortInUseIsAClearErrorAndASecondWorkerOnTheSameStateToo) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  WorkerUnderTest other(BERTH_WORKER_BINARY, kYaml);
  other.options["--listen"] = "127.0.0.1:" + std::to_string(worker_.port());
  EXPECT_FALSE(other.start());
  EXPECT_EQ(other.exit_status(), 1);
  EXPECT_THAT(other.output(), ::testing::HasSubstr("127.0.0.1:" + std::to_string(worker_.port())));

  WorkerUnderTest same(BERTH_WORKER_BINARY, kYaml);
  same.options["--state-dir"] = (worker_.directory() / "state").string();
  EXPECT_FALSE(same.start());
  EXPECT_EQ(same.exit_status(), 1);
  EXPECT_THAT(same.output(), ::testing::HasSubstr("StateDirectoryInUse"));
}

TEST_F(WorkerProcessTest, ASessionDirectoryThatCannotBeMadeIsAClearError) {
  std::ofstream(worker_.directory() / "plain") << "x";
  worker_.options["--session-dir"] = (worker_.directory() / "plain" / "x").string();
  EXPECT_FALSE(worker_.start());
  EXPECT_EQ(worker_.exit_status(), 1);
  EXPECT_THAT(worker_.output(), ::testing::HasSubstr("plain/x"));
}

TEST_F(WorkerProcessTest, FilesGoInAndOutAndNeverOutside) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string t = worker_.open("s1");
  const std::string data(300'000, 'd');
  EXPECT_EQ(worker_.call("PUT", path("s1", "/files/in/data"), t, data).status, 201);
  EXPECT_EQ(worker_.run("s1", t, "copy", exec("cp in/data out; ln -s /etc/hostname link"))
                .body["exitStatus"],
            0);
  EXPECT_EQ(worker_.call("GET", path("s1", "/files/out"), t).text, data);
  EXPECT_EQ(worker_.call("GET", path("s1", "/files/../../state/journal"), t).status, 400);
  EXPECT_EQ(worker_.call("GET", path("s1", "/files/%2e%2e/%2e%2e/state/journal"), t).status, 400);
  EXPECT_GE(worker_.call("GET", path("s1", "/files/link"), t).status, 400);
  EXPECT_EQ(worker_.call("GET", path("s1", "/files/out"), "wrong").status, 403);
}

TEST_F(WorkerProcessTest, ProbesAndMetricsAreOnTheSecondPort) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_EQ(worker_.probe("/healthz").status, 200);
  EXPECT_EQ(worker_.probe("/readyz").status, 200);
  EXPECT_THAT(worker_.probe("/metrics").text, ::testing::HasSubstr("berth_worker_session_slots"));
  EXPECT_EQ(worker_.call("GET", "/metrics").status, 404);
}

TEST_F(WorkerProcessTest, ControlCallsAreCheckedAgainstTheMountedKeys) {
  SystemRandom random;
  SystemClock clock;
  auto key = auth::SigningKey::generate(auth::Scope::kCreate, random);
  ASSERT_TRUE(key);
  std::ofstream(worker_.directory() / "jwks.json") << auth::make_jwks({&*key});
  std::ofstream(worker_.directory() / "worker.yaml", std::ios::app) << "uid: pod-uid-1\n";
  worker_.flags = {"--jwks=" + (worker_.directory() / "jwks.json").string()};
  ASSERT_TRUE(worker_.start()) << worker_.output();
  auth::TokenSigner signer(std::move(*key), "gateway/test", clock);
  EXPECT_EQ(worker_.call("POST", "/v1/sessions", "", R"({"id": "s1"})").status, 401);
  EXPECT_EQ(
      worker_.call("POST", "/v1/sessions", signer.token("pod-uid-2"), R"({"id": "s1"})").status,
      401);
  EXPECT_EQ(
      worker_.call("POST", "/v1/sessions", signer.token("pod-uid-1"), R"({"id": "s1"})").status,
      201);
  EXPECT_EQ(worker_.call("POST", "/v1/retire", signer.token("pod-uid-1")).status, 403);
}

TEST_F(WorkerProcessTest, WithoutKeysItDoesNotStart) {
  worker_.flags = {"--jwks=" + (worker_.directory() / "missing.json").string()};
  EXPECT_FALSE(worker_.start());
  EXPECT_EQ(worker_.exit_status(), 1);
  EXPECT_THAT(worker_.output(), ::testing::HasSubstr("missing.json"));
}

TEST(FunctionWorker, RunsCppActivitiesAndTellsTheirFailuresByTheirOwnNames) {
  WorkerUnderTest worker(BERTH_FUNCTION_WORKER_BINARY, "name: functions\n");
  ASSERT_TRUE(worker.start()) << worker.output();
  EXPECT_EQ(worker.call("GET", "/v1/slots").body["resources"]["session"]["capacity"], 10'000);
  const std::string t = worker.open("s1");
  const auto wrote = worker.run("s1", t, "w", {{"type", "write"}, {"input", {1, 2}}});
  EXPECT_EQ(wrote.body["result"], Json({{"session", "s1"}, {"activity", "w"}})) << wrote.text;
  EXPECT_EQ(worker.call("GET", "/v1/sessions/s1/files/note", t).text, "[1,2]");
  const auto failed = worker.run("s1", t, "f", {{"type", "fail"}});
  EXPECT_EQ(failed.body["failure"]["type"], "FileNotFound") << failed.text;
  worker.call("POST", "/v1/sessions/s1/activities", t,
              R"({"activityId": "u", "type": "until-cancelled"})");
  const auto told = worker.call("GET", "/v1/sessions/s1/activities/u?wait=25&after=1", t);
  EXPECT_EQ(told.body["progress"], "waiting") << told.text;
  EXPECT_EQ(worker.call("DELETE", "/v1/sessions/s1", t).status, 202);
  WorkerUnderTest::Answer info;
  do {
    info = worker.call("GET", "/v1/sessions/s1", t);
  } while (info.status == 200 && info.body["state"] == "Ending");
  EXPECT_EQ(info.body["state"], "Ended");
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0) << worker.output();
}

}  // namespace
}  // namespace berth::worker
