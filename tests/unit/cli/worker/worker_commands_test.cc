#include "cli/worker/worker_commands.h"

#include "cli/worker/drain_wait.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

/// A kubectl that answers `get pods NAME` with the file NAME.json, and notes what is patched.
class WorkerCommandsTest : public CliTest {
 protected:
  WorkerCommandsTest() {
    flags_.kubeconfig = write("config", kExecPlugin);
    install("kubectl", R"(
case "$*" in
*patch*) echo "$@" >> "$TEST_DIR/patches"; echo '{}' ;;
*get*) for word in "$@"; do
         if [ -e "$TEST_DIR/$word.json" ]; then cat "$TEST_DIR/$word.json"; exit 0; fi
       done
       echo 'Error from server (NotFound): pods "x" not found' >&2; exit 1 ;;
*) exit 1 ;;
esac)");
  }
  void pod(const std::string& name, const std::string& annotations = "", bool deleting = false,
           const std::string& labels = R"("berth.dev/pool": "p")") {
    write(name + ".json",
          R"({"metadata": {"name": ")" + name + R"(", "namespace": "team", "uid": "u-)" + name +
              R"(", "labels": {)" + labels + R"(}, "annotations": {)" + annotations + "}" +
              (deleting ? R"(, "deletionTimestamp": "2024-05-01T10:00:00Z")" : "") + "}}");
  }
  template <class Fn>
  int run(Fn&& fn) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int status = fn();
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  Flags flags_;
  std::string out_;
  std::string err_;
};

TEST_F(WorkerCommandsTest, CordonAnnotatesTheVeryPodThatWasLookedAt) {
  pod("p-0");
  EXPECT_EQ(run([&] { return cordon(flags_, {"p-0"}); }), 0);
  EXPECT_EQ(out_, "worker/p-0 cordoned\n");
  EXPECT_THAT(read("patches"), HasSubstr(R"("annotations":{"berth.dev/cordon":"berth"})"));
  EXPECT_THAT(read("patches"), HasSubstr(R"("uid":"u-p-0")"));
}

TEST_F(WorkerCommandsTest, WhatIsDoneAlreadyIsSaidAndChangesNothing) {
  pod("p-0", R"("berth.dev/cordon": "anna")");
  pod("p-1");
  pod("p-2", R"("berth.dev/drain": "anna")");
  EXPECT_EQ(run([&] { return cordon(flags_, {"p-0"}); }), 0);
  EXPECT_EQ(out_, "worker/p-0 already cordoned\n");
  EXPECT_EQ(run([&] { return uncordon(flags_, {"p-1"}); }), 0);
  EXPECT_EQ(out_, "worker/p-1 already uncordoned\n");
  EXPECT_EQ(run([&] { return drain(flags_, {"p-2"}, {}); }), 0);
  EXPECT_EQ(out_, "worker/p-2 already draining\n");
  EXPECT_EQ(read("patches"), "");
}

TEST_F(WorkerCommandsTest, UncordonTakesADrainBackToo) {
  pod("p-0", R"("berth.dev/drain": "berth")");
  EXPECT_EQ(run([&] { return uncordon(flags_, {"p-0"}); }), 0);
  EXPECT_THAT(read("patches"),
              HasSubstr(R"("annotations":{"berth.dev/cordon":null,"berth.dev/drain":null})"));
}

TEST_F(WorkerCommandsTest, AWorkerThatIsGoingCannotBeTakenBack) {
  pod("p-0", "", true);
  EXPECT_EQ(run([&] { return uncordon(flags_, {"p-0"}); }), 1);
  EXPECT_THAT(err_, HasSubstr("cannot be taken back"));
}

TEST_F(WorkerCommandsTest, APodOfSomebodyElseIsLeftAlone) {
  pod("web-0", "", false, "");
  EXPECT_EQ(run([&] { return drain(flags_, {"web-0"}, {}); }), 2);
  EXPECT_THAT(err_, HasSubstr("pod web-0 is no worker of a session pool"));
  EXPECT_EQ(read("patches"), "");
}

TEST_F(WorkerCommandsTest, OneThatFailsDoesNotKeepTheOthersFromBeingTried) {
  pod("p-1");
  EXPECT_EQ(run([&] { return cordon(flags_, {"p-0", "p-1"}); }), 1);
  EXPECT_THAT(err_, HasSubstr("not found"));
  EXPECT_EQ(out_, "worker/p-1 cordoned\n");
}

TEST_F(WorkerCommandsTest, ADrainThatIsWaitedForEndsAtItsTimeoutAndSaysWhatHoldsItUp) {
  pod("p-0");
  EXPECT_EQ(run([&] { return drain(flags_, {"p-0"}, {.wait = true, .timeout = "1ms"}); }),
            kTimedOut);
  EXPECT_THAT(out_, HasSubstr("worker/p-0 draining\n"));
  EXPECT_THAT(err_, HasSubstr("worker p-0 has not drained in time; it waits for its sessions"));
  EXPECT_EQ(run([&] { return drain(flags_, {"p-0"}, {.wait = true, .timeout = "soon"}); }), 2);
  EXPECT_THAT(err_, HasSubstr("--timeout"));
}

TEST(WaitsFor, NamesSessionsAndOwnersUpToThree) {
  const DrainedPod pod{"p-0", "u", "p", "team"};
  const Json object = {{"metadata", {{"name", "p-0"}}}};
  Json sessions = Json::array();
  EXPECT_EQ(waits_for(pod, object, sessions),
            "holds no session; waits for the operator to retire it");
  sessions.push_back({{"id", "a"}, {"owner", "anna"}, {"worker", {{"name", "p-0"}}}});
  sessions.push_back({{"id", "z"}, {"owner", "zoe"}, {"worker", {{"name", "p-1"}}}});
  EXPECT_EQ(waits_for(pod, object, sessions), "waits for 1 session: a of anna");
  for (const char* id : {"b", "c", "d", "e"}) {
    sessions.push_back({{"id", id}, {"worker", {{"name", "p-0"}}}});
  }
  EXPECT_EQ(waits_for(pod, object, sessions), "waits for 5 sessions: a of anna, b, c and 2 more");
  EXPECT_EQ(waits_for(pod, object, nullptr), "waits for its sessions");
  EXPECT_EQ(waits_for(pod, {{"metadata", {{"deletionTimestamp", "2024-05-01T10:00:00Z"}}}},
                      Json::array()),
            "waits for its pod to end");
}

}  // namespace
}  // namespace berth::cli
