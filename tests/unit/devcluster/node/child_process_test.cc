#include "devcluster/node/child_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "berth/base/file.h"
#include "tests/unit/devcluster/loop_support.h"

namespace berth::devcluster {
namespace {

class ChildProcessTest : public ::testing::Test {
 protected:
  static ProcessSpec shell(const std::string& script) {
    return {"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, "/"};
  }
  void start(const std::string& script) {
    auto started = ChildProcess::start(loop, shell(script),
                                       {.output =
                                            [this](std::string_view bytes) {
                                              output += bytes;
                                              if (on_output) {
                                                on_output();
                                              }
                                            },
                                        .exited =
                                            [this](ExitStatus s) {
                                              exit = s;
                                              if (on_exit) {
                                                on_exit();
                                              }
                                            }});
    ASSERT_TRUE(started) << started.error().text();
    process = std::move(*started);
  }
  bool wait_exit() {
    return run_until(loop, [&](const std::function<void()>& done) {
      on_exit = done;
      if (exit) {
        done();
      }
    });
  }
  bool wait_output(const std::string& text) {
    return run_until(loop, [&](const std::function<void()>& done) {
      on_output = [this, text, done] {
        if (output.find(text) != std::string::npos) {
          done();
        }
      };
      on_output();
    });
  }
  static bool alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

  AsioLoop loop;
  std::string output;
  std::optional<ExitStatus> exit;
  std::function<void()> on_output;
  std::function<void()> on_exit;
  std::unique_ptr<ChildProcess> process;
};

TEST_F(ChildProcessTest, GivesOutputOfBothStreamsAndThenTheExitCode) {
  start("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(exit->exit_code, 3);
  EXPECT_EQ(exit->signal, 0);
  EXPECT_EQ(output, "out\nerr\n");
}

TEST_F(ChildProcessTest, ASignalShowsAsIts128PlusNumber) {
  start("kill -9 $$");
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(exit->exit_code, 137);
  EXPECT_EQ(exit->signal, 9);
}

TEST_F(ChildProcessTest, WhatCannotStartSaysWhy) {
  ProcessSpec missing = shell("");
  missing.program = "/nonexistent/program";
  EXPECT_NE(ChildProcess::start(loop, missing, {}).error().message.find("/nonexistent/program"),
            std::string::npos);
  ProcessSpec no_dir = shell("");
  no_dir.working_dir = "/nonexistent";
  EXPECT_NE(ChildProcess::start(loop, no_dir, {}).error().message.find("working directory"),
            std::string::npos);
  TempDir dir;
  ASSERT_TRUE(write_file_atomic(dir.path() / "bad", "not a program", 0755));
  ProcessSpec no_program = shell("");
  no_program.program = dir.path() / "bad";
  EXPECT_FALSE(ChildProcess::start(loop, no_program, {}));
}

TEST_F(ChildProcessTest, TermGoesToTheProcessWhichMayTidyUp) {
  start("trap 'echo tidy; exit 5' TERM; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(wait_output("up"));
  process->terminate();
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(exit->exit_code, 5);
  EXPECT_NE(output.find("tidy"), std::string::npos);
}

TEST_F(ChildProcessTest, KillEndsAProcessThatIgnoresTerm) {
  start("trap '' TERM; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(wait_output("up"));
  process->terminate();
  process->kill();
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(exit->signal, 9);
}

TEST_F(ChildProcessTest, ADescendantInASessionOfItsOwnDoesNotSurvive) {
  start("setsid sh -c 'echo $$; exec sleep 1000' & wait");
  ASSERT_TRUE(wait_output("\n"));
  const pid_t stray = std::stoi(output);
  process->kill();
  ASSERT_TRUE(wait_exit());
  EXPECT_FALSE(alive(stray));
}

TEST_F(ChildProcessTest, BackgroundChildrenEndWithTheProcess) {
  start("sleep 1000 & echo $!; exit 0");
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(exit->exit_code, 0);
  EXPECT_FALSE(alive(std::stoi(output)));
}

TEST_F(ChildProcessTest, DestroyingItLeavesNothingBehind) {
  start("sleep 1000 & echo $!; while :; do sleep 0.01; done");
  ASSERT_TRUE(wait_output("\n"));
  const pid_t main = process->pid();
  process.reset();
  EXPECT_FALSE(alive(main));
  EXPECT_FALSE(alive(std::stoi(output)));
  EXPECT_FALSE(exit) << "no event after the end";
}

TEST_F(ChildProcessTest, NothingIsInheritedButWhatIsNamed) {
  ::setenv("BERTH_TEST_LEAK", "1", 1);
  start("env; ls /proc/self/fd");
  ASSERT_TRUE(wait_exit());
  EXPECT_EQ(output.find("BERTH_TEST_LEAK"), std::string::npos);
  EXPECT_NE(output.find("PATH=/usr/bin:/bin"), std::string::npos);
  EXPECT_EQ(output.find("\n9\n"), std::string::npos);
}

// The owner is a process of its own here, killed the hard way.
TEST_F(ChildProcessTest, NoProcessSurvivesItsOwnersDeath) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    AsioLoop own;
    auto child = ChildProcess::start(own, shell("setsid sleep 1000 & sleep 1000 & echo $$; wait"),
                                     {.output =
                                          [&](std::string_view bytes) {
                                            [[maybe_unused]] const auto n =
                                                ::write(fds[1], bytes.data(), bytes.size());
                                          },
                                      .exited = [](ExitStatus) {}});
    ::close(fds[0]);
    own.run();
    ::_exit(0);
  }
  ::close(fds[1]);
  char text[32] = {};
  ASSERT_GT(::read(fds[0], text, sizeof text - 1), 0);
  const pid_t main = std::stoi(text);
  ASSERT_TRUE(alive(main));
  const UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, main, 0)));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  pollfd ended{watched.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 30'000), 1) << "the process outlived its owner";
  ::close(fds[0]);
}

}  // namespace
}  // namespace berth::devcluster
