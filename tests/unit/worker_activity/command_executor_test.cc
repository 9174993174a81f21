#include "worker/activity/command_executor.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>
#include <cstdlib>

#include "tests/unit/worker_activity/activity_fixture.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

class CommandExecutorTest : public ActivityTest {
 protected:
  Seen& start_shell(api::ActivitySpec spec, ActivityTask t) {
    executors_.push_back(std::make_shared<CommandExecutor>(supervisor_, std::move(spec), kPath));
    return start(*executors_.back(), std::move(t));
  }
};

TEST_F(CommandExecutorTest, GetsItsInputOnStdinAndAnswersWithStdout) {
  const auto outcome = outcome_of("cat", Json{{"file", "a.txt"}, {"size", 7}});
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_EQ(outcome.result, (Json{{"file", "a.txt"}, {"size", 7}}));
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(CommandExecutorTest, PrintingNothingIsTheResultNull) {
  const auto outcome = outcome_of("true");
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_TRUE(outcome.result.is_null());
}

TEST_F(CommandExecutorTest, RunsInTheDirectoryOfItsSession) {
  const auto outcome = outcome_of("printf '\"%s\"' \"$PWD\"");
  EXPECT_EQ(outcome.result, folder_.path().string());
}

TEST_F(CommandExecutorTest, SaysThatACommandIsNotThere) {
  api::ActivitySpec spec = shell("");
  spec.command = {"no-such-command-here"};
  const auto outcome = outcome_of(spec);
  EXPECT_EQ(outcome.state, ActivityState::kFailed);
  EXPECT_EQ(failure_type(outcome), "CommandNotFound");
  EXPECT_NE(outcome.failure->message.find("no-such-command-here"), std::string::npos);
  EXPECT_FALSE(outcome.failure->retryable);
  EXPECT_EQ(seen_.back()->done_calls, 1);
}

TEST_F(CommandExecutorTest, SaysThatAFileCannotBeExecuted) {
  api::ActivitySpec spec = shell("");
  spec.command = {"/etc/passwd"};
  EXPECT_EQ(failure_type(outcome_of(spec)), "CommandNotFound");
}

TEST_F(CommandExecutorTest, AMissingSessionDirectoryIsAnErrorOfTheWorker) {
  CommandExecutor executor(supervisor_, shell("true"), kPath);
  ActivityTask t = task();
  t.directory /= "gone";
  const auto run = executor.start(std::move(t), {});
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message.find("gone"), std::string::npos);
}

TEST_F(CommandExecutorTest, AnExitStatusFailsItWithTheEndOfStderr) {
  const auto outcome = outcome_of("echo 'cannot open x' >&2; exit 3");
  EXPECT_EQ(outcome.state, ActivityState::kFailed);
  EXPECT_EQ(failure_type(outcome), "ExitStatus");
  EXPECT_EQ(outcome.failure->message, "exit status 3; stderr ends with: cannot open x");
  EXPECT_EQ(outcome.exit_status, 3);
}

TEST_F(CommandExecutorTest, ReportsTheApplicationsOwnFailure) {
  const auto outcome = outcome_of(
      R"(echo '{"error": {"type": "FileNotFound", "message": "no x", "retryable": false}}'; exit 1)");
  EXPECT_EQ(failure_type(outcome), "FileNotFound");
  EXPECT_EQ(outcome.failure->message, "no x");
  EXPECT_FALSE(outcome.failure->retryable);
}

TEST_F(CommandExecutorTest, ADeathBySignalIsKilled) {
  const auto outcome = outcome_of("kill -SEGV $$");
  EXPECT_EQ(failure_type(outcome), "Killed");
  EXPECT_NE(outcome.failure->message.find("SIGSEGV"), std::string::npos);
  EXPECT_EQ(outcome.exit_status, 128 + 11);
}

TEST_F(CommandExecutorTest, OutputThatIsNotJsonIsQuotedSafely) {
  const auto outcome = outcome_of(R"(printf 'done\n\033[2Jall')");
  EXPECT_EQ(failure_type(outcome), "InvalidOutput");
  EXPECT_NE(outcome.failure->message.find(R"("done\n\u001b[2Jall")"), std::string::npos)
      << outcome.failure->message;
}

TEST_F(CommandExecutorTest, OutputThatIsNotUtf8IsQuotedSafely) {
  const auto outcome = outcome_of(R"(printf '"a\377b"')");
  EXPECT_EQ(failure_type(outcome), "InvalidOutput");
  EXPECT_NE(outcome.failure->message.find("a\xEF\xBF\xBD"
                                          "b"),
            std::string::npos)
      << outcome.failure->message;
}

TEST_F(CommandExecutorTest, TellsProgressFromItsOwnDescriptor) {
  Seen& seen = start_shell(
      shell("echo '{\"done\": 1}' >&3; read line; echo 2 >&$BERTH_PROGRESS_FD"), task());
  run_until_done(seen);
  ASSERT_FALSE(seen.progress.empty());
  EXPECT_EQ(seen.progress.back(), 2);
  EXPECT_EQ(seen.outcome->state, ActivityState::kSucceeded);
}

TEST_F(CommandExecutorTest, ProgressThatIsNoJsonOrTooLongIsDropped) {
  Seen& seen = start_shell(
      shell("echo oops >&3; head -c 20000 /dev/zero | tr '\\0' 7 >&3; echo >&3; echo 5 >&3"),
      task());
  run_until_done(seen);
  ASSERT_EQ(seen.progress.size(), 1U);
  EXPECT_EQ(seen.progress[0], 5);
}

TEST_F(CommandExecutorTest, KeepsTheEndOfStderrAsValidUtf8) {
  Seen& seen = start_shell(
      shell("head -c 100000 /dev/zero | tr '\\0' '\\377' >&2; printf 'the end' >&2"), task());
  run_until_done(seen);
  EXPECT_TRUE(seen.stderr_tail.ends_with("the end"));
  EXPECT_LE(seen.stderr_tail.size(), 8192U);
  EXPECT_TRUE(parse_json(Json(seen.stderr_tail).dump()).has_value());
}

TEST_F(CommandExecutorTest, InputThatNobodyReadsDoesNotHoldItUp) {
  const auto outcome = outcome_of("exit 0", std::string(4u << 20, 'x'));
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
}

TEST_F(CommandExecutorTest, InputLargerThanThePipeArrivesWhole) {
  const auto outcome = outcome_of("wc -c", std::string(4u << 20, 'x'));
  EXPECT_EQ(outcome.result, (4 << 20) + 3);
}

TEST_F(CommandExecutorTest, TheWorkersEnvironmentDoesNotLeak) {
  ::setenv("WORKER_SECRET", "hush", 1);
  api::ActivitySpec spec = shell("");
  spec.command = {"python3", "-c", "import os, json; print(json.dumps(dict(os.environ)))"};
  spec.env = {{"MODE", "fast"}, {"BERTH_SESSION_ID", "forged"}};
  const auto outcome = outcome_of(spec);
  ::unsetenv("WORKER_SECRET");
  const std::string dir = folder_.path().string();
  Json expected = {{"PATH", kPath},
                   {"HOME", dir},
                   {"TMPDIR", dir},
                   {"MODE", "fast"},
                   {"BERTH_SESSION_ID", "s1"},
                   {"BERTH_ACTIVITY_ID", "a1"},
                   {"BERTH_SESSION_DIR", dir},
                   {"BERTH_ACTIVITY", dir + "/a1"},
                   {"BERTH_PROGRESS_FD", "3"}};
  Json seen = outcome.result;
  seen.erase("LC_CTYPE");  // Python adds it to its own.
  EXPECT_EQ(seen, expected);
}

TEST_F(CommandExecutorTest, TheWorkersDescriptorsDoNotLeak) {
  const UniqueFd careless(::open("/etc/passwd", O_RDONLY));  // Not close-on-exec.
  const auto outcome = outcome_of("n=$(ls /proc/$$/fd | wc -l); echo $n");
  // 0-3, and those that the shell opened for the pipe of the command substitution.
  api::ActivitySpec spec = shell("");
  spec.command = {"python3", "-c",
                  "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])"};
  EXPECT_EQ(outcome_of(spec).result, (Json{0, 1, 2, 3}));
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
}

TEST_F(CommandExecutorTest, StartsWithDefaultSignals) {
  // The supervisor ignores SIGPIPE for itself; a command must not inherit that.
  const auto outcome = outcome_of(
      "awk '/^Sig(Ign|Blk)/ { printf \"%s\\\"%s\\\"\", sep, $2; sep=\",\" } BEGIN { printf \"[\" } "
      "END { print \"]\" }' /proc/self/status");
  ASSERT_TRUE(outcome.result.is_array() && outcome.result.size() == 2) << outcome.result;
  // Signals 32 and 33 belong to the C library, which does not let a program name them (signal(7)).
  constexpr std::uint64_t kNameable = ~((1ULL << 31) | (1ULL << 32));
  for (const Json& mask : outcome.result) {
    EXPECT_EQ(std::stoull(mask.get<std::string>(), nullptr, 16) & kNameable, 0U) << outcome.result;
  }
}

TEST_F(CommandExecutorTest, CancelSendsSigterm) {
  Seen& seen = start_shell(shell("trap 'echo bye >&2; exit 0' TERM; echo 1 >&3; "
                                 "while :; do read -r x < /dev/zero & wait; done"),
                           task());
  run_until([&] { return !seen.progress.empty(); });
  seen.run->cancel("Cancelled");
  seen.run->cancel("SessionEnded");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
  EXPECT_EQ(failure_type(*seen.outcome), "Cancelled");
  EXPECT_EQ(seen.outcome->exit_status, 0);
  EXPECT_EQ(seen.stderr_tail, "bye\n");
  EXPECT_EQ(seen.done_calls, 1);
}

TEST_F(CommandExecutorTest, ACommandThatIgnoresSigtermIsKilledAfterTheGrace) {
  Seen& seen = start_shell(shell("trap '' TERM; echo 1 >&3; exec sleep 1000"), task());
  run_until([&] { return !seen.progress.empty(); });
  const TimePoint told = loop_.clock().now();
  seen.run->cancel("SessionEnded");
  run_until_done(seen);
  EXPECT_GE(loop_.clock().now() - told, 200ms);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
  EXPECT_EQ(failure_type(*seen.outcome), "SessionEnded");
  EXPECT_EQ(seen.outcome->exit_status, 128 + 9);
}

TEST_F(CommandExecutorTest, AStoppedProcessCanBeCancelled) {
  api::ActivitySpec spec = shell("trap 'exit 5' TERM; echo 1 >&3; kill -STOP $$");
  spec.kill_grace = 50s;
  Seen& seen = start_shell(spec, task());
  run_until([&] { return !seen.progress.empty(); });
  seen.run->cancel("Cancelled");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
}

TEST_F(CommandExecutorTest, CanBeCancelledBeforeItsFirstEvent) {
  Seen& seen = start_shell(shell("exec sleep 1000"), task());
  seen.run->cancel("Cancelled");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
  EXPECT_GT(seen.process_group, 0);
}

TEST_F(CommandExecutorTest, TimesOut) {
  ActivityTask t = task();
  t.start_to_close_timeout = 50ms;
  Seen& seen = start_shell(shell("exec sleep 1000"), std::move(t));
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kTimedOut);
  EXPECT_EQ(failure_type(*seen.outcome), "Timeout");
  EXPECT_NE(seen.outcome->failure->message.find("50ms"), std::string::npos);
}

TEST_F(CommandExecutorTest, TheCallersTimeoutCannotExceedThePools) {
  api::ActivitySpec spec = shell("exec sleep 1000");
  spec.start_to_close_timeout = 50ms;
  ActivityTask t = task();
  t.start_to_close_timeout = 10h;
  Seen& seen = start_shell(spec, std::move(t));
  run_until_done(seen);
  EXPECT_EQ(failure_type(*seen.outcome), "Timeout");
}

TEST_F(CommandExecutorTest, SilenceLongerThanTheHeartbeatTimeoutEndsIt) {
  ActivityTask t = task();
  t.heartbeat_timeout = 100ms;
  Seen& seen = start_shell(shell("echo 1 >&3; exec sleep 1000"), std::move(t));
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kTimedOut);
  EXPECT_EQ(failure_type(*seen.outcome), "HeartbeatTimeout");
}

}  // namespace
}  // namespace berth::worker
