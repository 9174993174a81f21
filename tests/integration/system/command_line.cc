#include "tests/integration/system/command_line.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <utility>

#include "berth/base/file.h"

namespace berth::system_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::IsEmpty;

constexpr const char* kPool = R"(apiVersion: berth.dev/v1alpha1
kind: SessionPool
metadata:
  name: p
spec:
  worker: {image: berth.local/worker, exec: true}
  sessions: {maxPerWorker: 2}
  scaling: {maxWorkers: 2, freeSlots: 1, scaleToZeroAfter: 1s, scaleDown: {stabilizationWindow: 1s}}
  drain: {timeout: 30s}
)";

}  // namespace

CommandLine::CommandLine() {
  std::string name = (fs::temp_directory_path() / "berth-commands-XXXXXX").string();
  dir_ = ::mkdtemp(name.data());
  std::ofstream(dir_ / "pool.yaml") << kPool;
}
CommandLine::~CommandLine() {
  if (dev_) {
    end_dev();
  }
  EXPECT_THAT(processes_with(dir_.string()), IsEmpty());
  fs::remove_all(dir_);
}

std::unique_ptr<TestProcess> CommandLine::berth(std::vector<std::string> args) {
  args.insert(args.begin(), BERTH_BINARY);
  return std::make_unique<TestProcess>(
      args,
      std::vector<std::string>{"XDG_STATE_HOME=" + dir_.string(),
                               "BERTH_GATEWAY=", "BERTH_TOKEN_FILE=", "BERTH_NAMESPACE="},
      dir_ / ("output-" + std::to_string(++runs_)));
}

CommandLine::Ran CommandLine::run(std::vector<std::string> args) {
  const auto process = berth(std::move(args));
  EXPECT_TRUE(process->wait(30s));
  return {process->status(), process->output()};
}

std::string CommandLine::first_line(const Ran& ran) {
  return ran.output.substr(0, ran.output.find('\n'));
}

bool CommandLine::await(TestProcess& process, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (process.wait(20ms) || std::chrono::steady_clock::now() > end) {
      return condition();
    }
  }
  return true;
}

std::vector<std::string> CommandLine::dev_command(const std::string& name,
                                                  const std::string& listen,
                                                  const std::string& data) const {
  return {"dev",
          "--name",
          name,
          "--listen",
          listen,
          "-f",
          dir_ / "pool.yaml",
          "--data-dir",
          dir_ / data,
          "--ready-file",
          dir_ / (data + ".ready")};
}

void CommandLine::start_dev() {
  dev_ = berth(dev_command("dev", "127.0.0.1:0", "data"));
  ASSERT_TRUE(await(*dev_, [&] { return fs::exists(dir_ / "data.ready"); })) << dev_->output();
  gateway_ = string_at(*parse_json(*read_file(dir_ / "data.ready")), {"gateway"});
}

void CommandLine::end_dev() {
  dev_->signal(SIGINT);
  EXPECT_TRUE(dev_->wait(20s)) << dev_->output();
  EXPECT_EQ(dev_->status(), 0) << dev_->output();
  dev_.reset();
}

CommandLine::Ran CommandLine::run_in_session(const std::vector<std::string>& argv) {
  std::vector<std::string> args = {"session", "run", "--pool", "p", "--"};
  args.insert(args.end(), argv.begin(), argv.end());
  return run(args);
}

Json CommandLine::sessions() {
  const std::string output = run({"session", "list", "--pool", "p", "-o", "json"}).output;
  // A worker that has just started may be told on stderr as one that does not answer yet.
  const std::size_t list = output.find("\n[");
  return parse_json(list == std::string::npos ? output : output.substr(list + 1)).value_or(Json());
}

std::string CommandLine::worker_of(const std::string& session) {
  for (const Json& s : sessions()) {
    if (get_string(s, "id") == session) {
      return string_at(s, {"worker", "name"});
    }
  }
  return "";
}

std::string CommandLine::state_of(const std::string& worker) {
  const Json answer = parse_json(run({"top", "-o", "json"}).output).value_or(Json());
  const Json* pools = find(answer, "pools");
  for (const Json& pool : pools == nullptr ? Json::array() : *pools) {
    for (const Json& member : pool.at("members")) {
      if (get_string(member, "name") == worker) {
        return string_at(member, {"state"});
      }
    }
  }
  return "";
}

}  // namespace berth::system_test
