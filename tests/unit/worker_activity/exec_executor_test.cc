#include "worker/activity/exec_executor.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/worker_activity/activity_fixture.h"
#include "worker/activity/output_stream.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

class ExecExecutorTest : public ActivityTest {
 protected:
  ActivityOutcome exec(Json input) {
    Seen& seen = start(executor_, task(std::move(input)));
    run_until_done(seen);
    return seen.outcome.value_or(ActivityOutcome{});
  }
  static api::ActivitySpec limits() {
    api::ActivitySpec spec = shell("");
    spec.env = {{"FROM_POOL", "1"}};
    return spec;
  }
  ExecExecutor executor_{supervisor_, limits(), kPath};
};

TEST_F(ExecExecutorTest, GivesRawOutputAndExitStatus) {
  const auto outcome = exec({{"argv", {"sh", "-c", R"(printf 'a\000\377b')"}}});
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_EQ(outcome.stdout_base64, "YQD/Yg==");
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(ExecExecutorTest, AnExitStatusIsAResultLikeAnyOther) {
  const auto outcome = exec({{"argv", {"sh", "-c", "exit 42"}}});
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_EQ(outcome.exit_status, 42);
  EXPECT_FALSE(outcome.failure);
}

TEST_F(ExecExecutorTest, ADeathBySignalIs128PlusItsNumber) {
  EXPECT_EQ(exec({{"argv", {"sh", "-c", "kill -9 $$"}}}).exit_status, 137);
}

TEST_F(ExecExecutorTest, PassesStdinAndEnvironment) {
  const auto outcome = exec({{"argv", {"sh", "-c", "cat; printf $NAME$FROM_POOL"}},
                             {"stdin", "in:"},
                             {"env", {{"NAME", "x"}}}});
  EXPECT_EQ(outcome.stdout_base64, "aW46eDE=");  // in:x1
}

TEST_F(ExecExecutorTest, WithoutStdinItReadsNothing) {
  EXPECT_EQ(exec({{"argv", {"cat"}}}).exit_status, 0);
}

TEST_F(ExecExecutorTest, ACommandThatIsNotThereFails) {
  EXPECT_EQ(failure_type(exec({{"argv", {"no-such-command"}}})), "CommandNotFound");
}

TEST_F(ExecExecutorTest, TheCallersPathIsUsedToFindTheCommand) {
  EXPECT_EQ(failure_type(exec({{"argv", {"true"}}, {"env", {{"PATH", "/nowhere"}}}})),
            "CommandNotFound");
}

TEST_F(ExecExecutorTest, TooMuchOutputFailsIt) {
  EXPECT_EQ(failure_type(exec({{"argv", {"yes"}}})), "OutputTooLarge");
}

class ExecStreamTest : public ExecExecutorTest {
 protected:
  Seen& stream(const std::string& script) {
    Seen& seen = start(executor_, task({{"argv", {"sh", "-c", script}}, {"stream", true}}));
    output_ = seen.run->output();
    return seen;
  }
  /// Takes what has come, as a reader who got every answer.
  void take() {
    const auto output = output_->read(next_);
    ASSERT_TRUE(output) << output.error().text();
    for (const auto& chunk : output->chunks) {
      (chunk.is_stderr ? stderr_ : stdout_) += chunk.bytes;
    }
    next_ = output->next;
    end_ = output->end;
  }
  std::shared_ptr<OutputStream> output_;
  std::int64_t next_ = 0;
  bool end_ = false;
  std::string stdout_;
  std::string stderr_;
};

TEST_F(ExecStreamTest, OutputIsThereWhileTheCommandRuns) {
  Seen& seen =
      stream("echo one; echo two >&2; while [ ! -e go ]; do sleep 0.01; done; printf three");
  run_until([&] {
    take();
    return stdout_ == "one\n" && stderr_ == "two\n";
  });
  EXPECT_FALSE(seen.outcome);
  EXPECT_FALSE(end_);
  std::ofstream(folder_.path() / "go");
  run_until_done(seen);
  take();
  EXPECT_EQ(stdout_, "one\nthree");
  EXPECT_TRUE(end_);
  EXPECT_EQ(seen.outcome->stdout_base64, "");
  EXPECT_EQ(seen.outcome->exit_status, 0);
}

TEST_F(ExecStreamTest, ManyTimesTheBufferComesWholeAndMemoryStaysBounded) {
  // Far beyond max_output_bytes too, which is for what is kept as a result.
  Seen& seen = stream("seq 1 2000000");
  std::size_t most = 0;
  run_until([&] {
    most = std::max(most, output_->cost());
    take();
    return end_ && seen.outcome;
  });
  std::string expected;
  for (int i = 1; i <= 2'000'000; ++i) {
    expected += std::to_string(i) + "\n";
  }
  EXPECT_TRUE(stdout_ == expected) << stdout_.size() << " of " << expected.size();
  EXPECT_LE(most, 2 * OutputStream::kHighWater);
}

TEST_F(ExecStreamTest, ACommandWaitsForAReaderWhoDoesNotRead) {
  Seen& seen = stream("head -c 3000000 /dev/zero; touch written");
  run_until([&] { return output_->full(); });
  // What it wrote beyond our buffer and the pipe's it could not write: it is still at it.
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "written"));
  EXPECT_LE(output_->cost(), 2 * OutputStream::kHighWater);
  run_until([&] {
    take();
    return end_ && seen.outcome;
  });
  EXPECT_EQ(stdout_.size(), 3'000'000U);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "written"));
}

TEST_F(ExecStreamTest, ACommandThatWaitsForItsReaderCanBeCancelled) {
  Seen& seen = stream("yes");
  run_until([&] { return output_->full(); });
  seen.run->cancel("Cancelled");
  run_until_done(seen);
  EXPECT_EQ(seen.outcome->state, ActivityState::kCancelled);
  run_until([&] {
    take();
    return end_;
  });
  EXPECT_EQ(stdout_.substr(0, 4), "y\ny\n");
}

TEST_F(ExecStreamTest, WithoutAskingThereIsNoStream) {
  Seen& seen = start(executor_, task({{"argv", {"true"}}}));
  EXPECT_EQ(seen.run->output(), nullptr);
  run_until_done(seen);
}

TEST_F(ExecExecutorTest, BadInputIsRefusedWithItsField) {
  const std::string nul("a\0b", 3);
  const std::vector<std::pair<Json, std::string>> cases = {
      {nullptr, "input"},
      {{{"argv", "ls"}}, "input.argv"},
      {{{"stdin", "x"}}, "input.argv"},
      {{{"argv", Json::array()}}, "input.argv"},
      {{{"argv", {""}}}, "input.argv[0]"},
      {{{"argv", {"a", 1}}}, "input.argv[1]"},
      {{{"argv", {nul}}}, "input.argv[0]"},
      {{{"argv", {"a", std::string(200'000, 'x')}}}, "input.argv"},
      {{{"argv", {"a"}}, {"shell", true}}, "input.shell"},
      {{{"argv", {"a"}}, {"stdin", 1}}, "input.stdin"},
      {{{"argv", {"a"}}, {"stream", "yes"}}, "input.stream"},
      {{{"argv", {"a"}}, {"env", {{"A=B", "x"}}}}, "input.env.A=B"},
      {{{"argv", {"a"}}, {"env", {{"BERTH_ACTIVITY", "x"}}}}, "input.env.BERTH_ACTIVITY"},
      {{{"argv", {"a"}}, {"env", {{"A", nul}}}}, "input.env.A"},
  };
  for (const auto& [input, field] : cases) {
    const auto run = executor_.start(task(input), {});
    ASSERT_FALSE(run) << dump_json(input);
    EXPECT_EQ(run.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(run.error().field, field);
  }
}

TEST_F(ExecExecutorTest, AHeartbeatTimeoutIsRefused) {
  ActivityTask t = task({{"argv", {"true"}}});
  t.heartbeat_timeout = 1s;
  EXPECT_EQ(executor_.start(std::move(t), {}).error().field, "heartbeatTimeout");
}

}  // namespace
}  // namespace berth::worker
