#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/integration/system/command_line.h"

/// `berth dev` itself: what it starts, refuses and leaves.
namespace berth::system_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CommandLine, CtrlCEndsBerthDevAndAllItStartedEvenWithASessionOpen) {
  start_dev();
  const Ran created = run({"session", "create", "--pool", "p"});
  ASSERT_EQ(created.status, 0) << created.output;
  ASSERT_NE(find_process("berth-worker", {dir_.string()}), -1);
  end_dev();
  EXPECT_THAT(processes_with(dir_.string()), IsEmpty());
  const Ran after = run({"session", "list", "--pool", "p"});
  EXPECT_NE(after.status, 0);
  EXPECT_THAT(after.output, HasSubstr("no `berth dev` runs under the name 'dev'"));
}

TEST_F(CommandLine, AClientHearsThatBerthDevEndsItsSession) {
  start_dev();
  const auto process = berth({"session", "run", "--pool", "p", "--heartbeat-timeout", "10m", "--",
                              "sh", "-c", "echo up; sleep 600"});
  EXPECT_TRUE(await(*process, [&] { return process->output().find("up\n") != std::string::npos; }));
  end_dev();
  ASSERT_TRUE(process->wait(30s));
  EXPECT_EQ(process->status(), 125);
  EXPECT_THAT(process->output(), HasSubstr("WorkerShutdown"));
}

TEST_F(CommandLine, AKilledBerthDevLeavesNothingAndCanBeStartedAgain) {
  start_dev();
  ASSERT_EQ(run_in_session({"true"}).status, 0);
  dev_->kill();
  EXPECT_TRUE(await(*dev_, [] { return true; }));
  const auto observer = std::make_unique<TestProcess>(std::vector<std::string>{"/bin/sleep", "30"},
                                                      std::vector<std::string>{}, dir_ / "sleep");
  EXPECT_TRUE(await(*observer, [&] { return processes_with(dir_.string()).empty(); }));
  fs::remove(dir_ / "data.ready");
  start_dev();
  EXPECT_EQ(run_in_session({"true"}).status, 0);
}

TEST_F(CommandLine, AGatewayThatDiedIsServedAgainUnderItsAddress) {
  start_dev();
  ASSERT_EQ(run_in_session({"true"}).status, 0);
  const pid_t gateway = find_process("berth-gateway", {dir_.string()});
  ASSERT_GT(gateway, 0);
  ASSERT_EQ(::kill(gateway, SIGKILL), 0);
  EXPECT_TRUE(await(*dev_, [&] {
    const pid_t now = find_process("berth-gateway", {dir_.string()});
    return now > 0 && now != gateway && run_in_session({"true"}).status == 0;
  })) << gateway_;
  // The operator sees who waits there: from no worker at all it makes one.
  EXPECT_TRUE(await(*dev_, [&] { return find_process("berth-worker", {dir_.string()}) == -1; }));
  const Ran ran = run_in_session({"true"});
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(CommandLine, ASecondBerthDevInTheWayOfTheFirstIsRefusedAndTheFirstUnharmed) {
  start_dev();
  const Ran same_name = run(dev_command("dev", "127.0.0.1:0", "other"));
  EXPECT_EQ(same_name.status, 1) << same_name.output;
  EXPECT_THAT(same_name.output, HasSubstr("AlreadyRunning"));
  EXPECT_THAT(same_name.output, HasSubstr("--name"));
  EXPECT_EQ(run_in_session({"true"}).status, 0);

  const std::string port = gateway_.substr(std::string("http://").size());
  const Ran same_port = run(dev_command("two", port, "two"));
  EXPECT_EQ(same_port.status, 1) << same_port.output;
  EXPECT_THAT(same_port.output, HasSubstr(port));
  EXPECT_EQ(run_in_session({"true"}).status, 0);

  const Ran same_data = run(dev_command("three", "127.0.0.1:0", "data"));
  EXPECT_EQ(same_data.status, 1) << same_data.output;
  EXPECT_THAT(same_data.output, HasSubstr((dir_ / "data").string()));
  const Ran last = run_in_session({"true"});
  EXPECT_EQ(last.status, 0) << last.output;
}

TEST_F(CommandLine, AWrongPoolFileIsRefusedWithLineAndField) {
  std::ofstream(dir_ / "pool.yaml") << R"(apiVersion: berth.dev/v1alpha1
kind: SessionPool
metadata:
  name: p
spec:
  worker: {image: berth.local/worker}
  sessions:
    maxPerWorker: many
  scaling: {maxWorkers: 1}
)";
  const Ran ran = run(dev_command("dev", "127.0.0.1:0", "data"));
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("pool.yaml:8:"));
  EXPECT_THAT(ran.output, HasSubstr("spec.sessions.maxPerWorker"));
}

TEST_F(CommandLine, AnAddressThatIsNoneOrNotOfThisMachineIsTheFlagsFault) {
  for (const char* listen : {"nowhere", "127.0.0.1", "127.0.0.1:99999", "0.0.0.0:0"}) {
    const Ran ran = run(dev_command("dev", listen, "data"));
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_THAT(ran.output, ::testing::StartsWith("berth: InvalidArgument: --listen: "));
  }
}

}  // namespace
}  // namespace berth::system_test
