#include <gtest/gtest.h>

#include "berth/base/file.h"
#include "tests/unit/worker_activity/activity_fixture.h"
#include "worker/activity/command_executor.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

class ProcessLimitsTest : public ActivityTest {
 protected:
  // VmHWM, in KiB.
  static long peak_memory() {
    const std::string status = *read_file("/proc/self/status");
    return std::stol(status.substr(status.find("VmHWM:") + 6));
  }
};

TEST_F(ProcessLimitsTest, AnEndlessPrinterFailsWithoutGrowingTheWorker) {
  const long before = peak_memory();
  const auto outcome = outcome_of("exec yes");
  EXPECT_EQ(outcome.state, ActivityState::kFailed);
  EXPECT_EQ(failure_type(outcome), "OutputTooLarge");
  EXPECT_FALSE(outcome.failure->retryable);
  EXPECT_LT(peak_memory() - before, 32 << 10);
}

TEST_F(ProcessLimitsTest, AFloodOnStderrLeavesItsLast8KiB) {
  const long before = peak_memory();
  const auto outcome = outcome_of("yes | head -c 300000000 >&2; echo fin >&2");
  EXPECT_EQ(outcome.state, ActivityState::kSucceeded);
  EXPECT_TRUE(seen_.back()->stderr_tail.ends_with("fin\n"));
  EXPECT_LT(peak_memory() - before, 32 << 10);
}

TEST_F(ProcessLimitsTest, OutputThatFillsTheLimitExactlyIsTaken) {
  api::ActivitySpec spec = shell("printf 1234567890");
  spec.max_output_bytes = 10;
  EXPECT_EQ(outcome_of(spec).result, 1234567890);
  spec.max_output_bytes = 9;
  EXPECT_EQ(failure_type(outcome_of(spec)), "OutputTooLarge");
}

TEST_F(ProcessLimitsTest, TooManyProcessesAreKilled) {
  api::ActivitySpec spec =
      shell("for i in 1 2 3 4 5 6 7 8; do sleep 1000 & setsid sleep 1000 & done; wait");
  spec.max_processes = 5;
  const auto outcome = outcome_of(spec);
  EXPECT_EQ(outcome.state, ActivityState::kFailed);
  EXPECT_EQ(failure_type(outcome), "TooManyProcesses");
  EXPECT_NE(outcome.failure->message.find("the limit is 5"), std::string::npos);
}

TEST_F(ProcessLimitsTest, AsManyProcessesAsTheLimitAllowsGoOn) {
  // Four sleeps and the shell, through several countings.
  api::ActivitySpec spec = shell("for i in 1 2 3 4; do sleep 0.5 & done; wait");
  spec.max_processes = 5;
  EXPECT_EQ(outcome_of(spec).state, ActivityState::kSucceeded);
}

TEST_F(ProcessLimitsTest, MemoryIsLimited) {
  api::ActivitySpec spec = shell("");
  spec.command = {"python3", "-c", "x = bytearray(1 << 30); print(1)"};
  spec.max_memory_bytes = 256 << 20;
  const auto outcome = outcome_of(spec);
  EXPECT_EQ(failure_type(outcome), "ExitStatus");
  EXPECT_NE(outcome.failure->message.find("MemoryError"), std::string::npos)
      << outcome.failure->message;
}

TEST_F(ProcessLimitsTest, CpuTimeIsLimited) {
  api::ActivitySpec spec = shell("while :; do :; done");
  spec.max_cpu_seconds = 1;
  const auto outcome = outcome_of(spec);
  EXPECT_EQ(failure_type(outcome), "Killed");
  EXPECT_NE(outcome.failure->message.find("1 s of CPU time"), std::string::npos)
      << outcome.failure->message;
}

TEST_F(ProcessLimitsTest, TheSizeOfAFileIsLimited) {
  api::ActivitySpec spec = shell("exec dd if=/dev/zero of=big bs=1000 count=100");
  spec.max_file_bytes = 50'000;
  const auto outcome = outcome_of(spec);
  EXPECT_EQ(failure_type(outcome), "Killed");
  EXPECT_NE(outcome.failure->message.find("SIGXFSZ"), std::string::npos)
      << outcome.failure->message;
}

}  // namespace
}  // namespace berth::worker
