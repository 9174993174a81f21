#include "worker/activity/exec_executor.h"

#include <gtest/gtest.h>

#include "tests/unit/worker_activity/activity_fixture.h"

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
