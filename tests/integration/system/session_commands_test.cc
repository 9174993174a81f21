#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "berth/base/file.h"
#include "tests/integration/system/command_line.h"

/// Sessions by the command line, with `berth dev` as the cluster.
namespace berth::system_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST_F(CommandLine, SessionRunPassesOutputAndExitStatusThrough) {
  start_dev();
  const Ran ran = run_in_session({"/bin/sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"});
  EXPECT_EQ(ran.status, 7);
  EXPECT_THAT(ran.output, HasSubstr("to stdout\n"));
  EXPECT_THAT(ran.output, HasSubstr("to stderr\n"));
  const Ran refused = run({"session", "run", "--pool", "nope", "--", "true"});
  EXPECT_EQ(refused.status, 125);
  EXPECT_THAT(refused.output, HasSubstr("default/nope"));
  for (const char* flag : {"--creation-timeout=soon", "--heartbeat-timeout=1ms"}) {
    const Ran wrong = run({"session", "run", "--pool", "p", flag, "--", "true"});
    EXPECT_EQ(wrong.status, 2) << wrong.output;
  }
}

TEST_F(CommandLine, SessionRunPrintsWhileTheCommandRuns) {
  start_dev();
  const auto process = berth({"session", "run", "--pool", "p", "--", "sh", "-c",
                              "echo one; echo two >&2; while [ ! -e '" + (dir_ / "go").string() +
                                  "' ]; do sleep 0.01; done; echo three"});
  EXPECT_TRUE(await(*process, [&] {
    return process->output().find("one\n") != std::string::npos &&
           process->output().find("two\n") != std::string::npos;
  }));
  EXPECT_TRUE(process->running());
  std::ofstream(dir_ / "go");
  EXPECT_TRUE(process->wait(30s));
  EXPECT_EQ(process->status(), 0);
  EXPECT_THAT(process->output(), HasSubstr("three\n"));
}

TEST_F(CommandLine, LargeBinaryOutputComesWholeThroughAPipe) {
  start_dev();
  // 40 MB: far beyond what any buffer on the way holds.
  const std::string make = "head -c 40000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00";
  TestProcess pipe({"/bin/sh", "-c",
                    std::string(BERTH_BINARY) + " session run --pool p -- sh -c '" + make +
                        " 2>/dev/null' | cksum; " + make + " 2>/dev/null | cksum"},
                   {"XDG_STATE_HOME=" + dir_.string()}, dir_ / "sums");
  ASSERT_TRUE(pipe.wait(100s));
  const std::string sums = pipe.output();
  const std::string first = sums.substr(0, sums.find('\n'));
  EXPECT_THAT(first, HasSubstr(" 40000000"));
  EXPECT_EQ(sums, first + "\n" + first + "\n");
}

TEST_F(CommandLine, AReaderThatGoesEndsTheCommandAndGivesTheSessionBack) {
  start_dev();
  TestProcess pipe(
      {"/bin/bash", "-c",
       std::string(BERTH_BINARY) + " session run --pool p -- yes | head -1; echo ${PIPESTATUS[0]}"},
      {"XDG_STATE_HOME=" + dir_.string()}, dir_ / "head");
  ASSERT_TRUE(pipe.wait(30s));
  EXPECT_EQ(pipe.output(), "y\n141\n");
  EXPECT_TRUE(sessions().empty()) << dump_json(sessions());
}

TEST_F(CommandLine, CtrlCCancelsTheCommandAndGivesTheSessionBack) {
  start_dev();
  const auto process = berth({"session", "run", "--pool", "p", "--", "sh", "-c",
                              "trap 'touch \"" + (dir_ / "told").string() +
                                  "\"; exit 0' TERM; echo up; while :; do sleep 0.05; done"});
  EXPECT_TRUE(await(*process, [&] { return process->output().find("up\n") != std::string::npos; }));
  process->signal(SIGINT);
  ASSERT_TRUE(process->wait(30s));
  EXPECT_EQ(process->status(), 130);
  EXPECT_TRUE(fs::exists(dir_ / "told"));
  EXPECT_TRUE(sessions().empty()) << dump_json(sessions());
}

TEST_F(CommandLine, FilesSurviveTheWayInAndOutAndTheKeeperEndsWithItsProcess) {
  start_dev();
  TestProcess owner({"/bin/sleep", "600"}, {}, dir_ / "sleep");
  const Ran created =
      run({"session", "create", "--pool", "p", "--keep", std::to_string(owner.pid())});
  ASSERT_EQ(created.status, 0) << created.output;
  const std::string id = first_line(created);
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) {
    bytes += static_cast<char>(i * 7);
  }
  std::ofstream(dir_ / "in", std::ios::binary) << bytes;
  const Ran in = run({"cp", dir_ / "in", id + ":a/b"});
  ASSERT_EQ(in.status, 0) << in.output;
  const Ran out = run({"cp", id + ":a/b", dir_ / "out"});
  ASSERT_EQ(out.status, 0) << out.output;
  EXPECT_TRUE(*read_file(dir_ / "out") == bytes);
  const Ran missing = run({"cp", id + ":absent", dir_ / "absent"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.output, HasSubstr("absent"));
  EXPECT_FALSE(fs::exists(dir_ / "absent"));
  std::ofstream(dir_ / "small") << "small content";
  EXPECT_EQ(run({"cp", dir_ / "small", id + ":small"}).status, 0);
  EXPECT_EQ(run({"cp", id + ":small", "/dev/null"}).status, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  TestProcess pipe({"/bin/sh", "-c",
                    std::string(BERTH_BINARY) + " cp " + id + ":small /dev/stdout | tr a-z A-Z"},
                   {"XDG_STATE_HOME=" + dir_.string()}, dir_ / "piped");
  ASSERT_TRUE(pipe.wait(30s));
  EXPECT_EQ(pipe.output(), "SMALL CONTENT");
  const Ran folder = run({"cp", dir_, id + ":x"});
  EXPECT_EQ(folder.status, 2);
  EXPECT_THAT(folder.output, HasSubstr("FROM: "));
  EXPECT_THAT(folder.output, HasSubstr("is a directory"));
  owner.kill();
  EXPECT_TRUE(await(*dev_, [&] { return worker_of(id).empty(); }));
}

TEST_F(CommandLine, SessionExecuteRunsActivitiesBesideTheFilesOfTheSession) {
  start_dev();
  const std::string id = first_line(run({"session", "create", "--pool", "p"}));
  std::ofstream(dir_ / "in") << "of the session";
  ASSERT_EQ(run({"cp", dir_ / "in", id + ":note"}).status, 0);
  const Ran ran = run({"session", "execute", id, "exec",
                       R"({"argv": ["sh", "-c", "cat note; echo word >&2; exit 3"]})"});
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("of the session"));
  EXPECT_THAT(ran.output, HasSubstr("word\n"));

  const Ran unknown = run({"session", "execute", id, "no-such-type"});
  EXPECT_EQ(unknown.status, 2) << unknown.output;
  EXPECT_THAT(unknown.output, HasSubstr("no-such-type"));
  const Ran wrong = run({"session", "execute", id, "exec", "{argv"});
  EXPECT_EQ(wrong.status, 2) << wrong.output;
  EXPECT_THAT(wrong.output, HasSubstr("INPUT"));
  const Ran nobody = run({"session", "execute", "nobody", "exec"});
  EXPECT_NE(nobody.status, 0);
  EXPECT_THAT(nobody.output, HasSubstr("nobody"));
}

TEST_F(CommandLine, CtrlCCancelsWhatSessionExecuteRunsAndTheSessionGoesOn) {
  start_dev();
  const std::string id = first_line(run({"session", "create", "--pool", "p"}));
  const std::string up = (dir_ / "up").string();
  const auto process =
      berth({"session", "execute", id, "exec",
             R"({"argv": ["sh", "-c", "trap 'touch \")" + (dir_ / "told").string() +
                 R"(\"; exit 0' TERM; touch ')" + up + R"('; while :; do sleep 0.05; done"]})"});
  EXPECT_TRUE(await(*process, [&] { return fs::exists(up); })) << process->output();
  process->signal(SIGINT);
  ASSERT_TRUE(process->wait(30s));
  EXPECT_EQ(process->status(), 130);
  EXPECT_TRUE(fs::exists(dir_ / "told"));
  EXPECT_EQ(run({"session", "execute", id, "exec", R"({"argv": ["true"]})"}).status, 0);
}

TEST_F(CommandLine, RecreateOpensOnTheSameWorker) {
  start_dev();
  // Two workers, so that another one could be taken.
  ASSERT_EQ(run({"pool", "scale", "p", "--workers", "2"}).status, 0);
  const Ran other = run({"session", "create", "--pool", "p"});
  const Ran created = run({"session", "create", "--pool", "p"});
  ASSERT_EQ(other.status, 0) << other.output;
  ASSERT_EQ(created.status, 0) << created.output;
  const std::string worker = worker_of(first_line(created));
  ASSERT_FALSE(worker.empty());
  const Ran completed = run({"session", "complete", "--keep-for", "30s", first_line(created)});
  ASSERT_EQ(completed.status, 0) << completed.output;
  const Ran again = run({"session", "recreate", first_line(created)});
  ASSERT_EQ(again.status, 0) << again.output;
  EXPECT_NE(first_line(again), first_line(created));
  EXPECT_EQ(worker_of(first_line(again)), worker);
}

}  // namespace
}  // namespace berth::system_test
