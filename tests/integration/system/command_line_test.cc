#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>

#include "berth/base/file.h"
#include "berth/base/json.h"
#include "tests/integration/system/test_process.h"

/// `berth dev`, and the other commands against it.
namespace berth::system_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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

class CommandLine : public ::testing::Test {
 protected:
  struct Ran {
    int status = -1;
    std::string output;
  };

  CommandLine() {
    std::string name = (fs::temp_directory_path() / "berth-commands-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    std::ofstream(dir_ / "pool.yaml") << kPool;
  }
  ~CommandLine() override {
    if (dev_) {
      end_dev();
    }
    EXPECT_THAT(processes_with(dir_.string()), IsEmpty());
    fs::remove_all(dir_);
  }

  std::unique_ptr<TestProcess> berth(std::vector<std::string> args) {
    args.insert(args.begin(), BERTH_BINARY);
    return std::make_unique<TestProcess>(
        args,
        std::vector<std::string>{"XDG_STATE_HOME=" + dir_.string(),
                                 "BERTH_GATEWAY=", "BERTH_TOKEN_FILE=", "BERTH_NAMESPACE="},
        dir_ / ("output-" + std::to_string(++runs_)));
  }
  Ran run(std::vector<std::string> args) {
    const auto process = berth(std::move(args));
    EXPECT_TRUE(process->wait(30s));
    return {process->status(), process->output()};
  }
  static std::string line(const Ran& ran) { return ran.output.substr(0, ran.output.find('\n')); }

  /// Waits for the condition, or the end of `process`.
  static bool await(TestProcess& process, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
      if (process.wait(20ms) || std::chrono::steady_clock::now() > end) {
        return condition();
      }
    }
    return true;
  }

  std::vector<std::string> dev_command(const std::string& name, const std::string& listen,
                                       const std::string& data) {
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
  void start_dev() {
    dev_ = berth(dev_command("dev", "127.0.0.1:0", "data"));
    ASSERT_TRUE(await(*dev_, [&] { return fs::exists(dir_ / "data.ready"); })) << dev_->output();
    gateway_ = string_at(*parse_json(*read_file(dir_ / "data.ready")), {"gateway"});
  }
  void end_dev() {
    dev_->signal(SIGINT);
    EXPECT_TRUE(dev_->wait(20s)) << dev_->output();
    EXPECT_EQ(dev_->status(), 0) << dev_->output();
    dev_.reset();
  }
  Ran run_in_session(std::vector<std::string> argv) {
    std::vector<std::string> args = {"session", "run", "--pool", "p", "--"};
    args.insert(args.end(), argv.begin(), argv.end());
    return run(args);
  }
  Json sessions() {
    const std::string output = run({"session", "list", "--pool", "p", "-o", "json"}).output;
    // A worker that has just started may be told on stderr as one that does not answer yet.
    const std::size_t list = output.find("\n[");
    return parse_json(list == std::string::npos ? output : output.substr(list + 1))
        .value_or(Json());
  }
  std::string worker_of(const std::string& session) {
    for (const Json& s : sessions()) {
      if (get_string(s, "id") == session) {
        return string_at(s, {"worker", "name"});
      }
    }
    return "";
  }

  /// Of a worker, as the gateway sees it.
  std::string state_of(const std::string& worker) {
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

  fs::path dir_;
  int runs_ = 0;
  std::unique_ptr<TestProcess> dev_;
  std::string gateway_;
};

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

TEST_F(CommandLine, SessionRunPassesOutputAndExitStatusThrough) {
  start_dev();
  const Ran ran = run_in_session({"/bin/sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"});
  EXPECT_EQ(ran.status, 7);
  EXPECT_THAT(ran.output, HasSubstr("to stdout\n"));
  EXPECT_THAT(ran.output, HasSubstr("to stderr\n"));
  const Ran refused = run({"session", "run", "--pool", "nope", "--", "true"});
  EXPECT_EQ(refused.status, 125);
  EXPECT_THAT(refused.output, HasSubstr("default/nope"));
}

TEST_F(CommandLine, SessionRunPrintsWhileTheCommandRuns) {
  start_dev();
  const auto process = berth({"session", "run", "--pool", "p", "--", "sh", "-c",
                              "echo one; echo two >&2; while [ ! -e " + (dir_ / "go").string() +
                                  " ]; do sleep 0.01; done; echo three"});
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
                              "trap 'touch " + (dir_ / "told").string() +
                                  "; exit 0' TERM; echo up; while :; do sleep 0.05; done"});
  EXPECT_TRUE(await(*process, [&] { return process->output().find("up\n") != std::string::npos; }));
  process->signal(SIGINT);
  ASSERT_TRUE(process->wait(30s));
  EXPECT_EQ(process->status(), 130);
  EXPECT_TRUE(fs::exists(dir_ / "told"));
  EXPECT_TRUE(sessions().empty()) << dump_json(sessions());
}

TEST_F(CommandLine, FromALaptopEverythingGoesThroughKubectl) {
  start_dev();
  // A kubectl whose cluster is the running `berth dev`.
  fs::create_directories(dir_ / "bin");
  std::ofstream(dir_ / "pool.json") << run({"pool", "describe", "p", "-o", "json"}).output;
  std::ofstream(dir_ / "bin" / "kubectl")
      << "#!/bin/sh\ncase \"$*\" in\n*'get sessionpools'*) cat " << (dir_ / "pool.json").string()
      << ";;\n*' get '*) echo '{\"items\": []}';;\n*view*) printf default;;\n*create*) cat "
      << (dir_ / "data" / "token").string() << ";;\n*port-forward*) echo 'Forwarding from "
      << gateway_.substr(std::string("http://").size()) << " -> 7070'; echo $$ >> "
      << (dir_ / "forwards").string() << "; exec sleep 1000;;\nesac\n";
  fs::permissions(dir_ / "bin" / "kubectl", fs::perms::owner_all);
  const auto laptop = [&](const std::string& args) {
    TestProcess process({"/bin/sh", "-c",
                         "export PATH=" + (dir_ / "bin").string() + ":/usr/bin:/bin; " +
                             BERTH_BINARY + " --context prod " + args},
                        {"XDG_STATE_HOME=" + (dir_ / "laptop").string(), "BERTH_GATEWAY="},
                        dir_ / ("laptop-" + std::to_string(++runs_)));
    EXPECT_TRUE(process.wait(30s));
    return Ran{process.status(), process.output()};
  };
  const Ran checked = laptop("config --check");
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("shows 1 pools"));
  const Ran why = laptop("why p");
  EXPECT_EQ(why.status, 0) << why.output;
  EXPECT_THAT(why.output, HasSubstr("Pool default/p: "));
  EXPECT_EQ(laptop("top --once").status, 0);
  EXPECT_EQ(laptop("sessions").status, 0);
  const Ran ran = laptop("session run --pool p -- sh -c 'echo far; exit 4'");
  EXPECT_EQ(ran.status, 4) << ran.output;
  EXPECT_EQ(ran.output, "far\n");
  TestProcess owner({"/bin/sleep", "600"}, {}, dir_ / "sleep");
  const Ran created = laptop("session create --pool p --keep " + std::to_string(owner.pid()));
  ASSERT_EQ(created.status, 0) << created.output;
  std::ofstream(dir_ / "in") << "bytes";
  const Ran copied = laptop("cp " + (dir_ / "in").string() + " " + line(created) + ":in");
  EXPECT_EQ(copied.status, 0) << copied.output;
  EXPECT_FALSE(worker_of(line(created)).empty());
  const std::string forwards = *read_file(dir_ / "forwards");
  owner.kill();
  EXPECT_TRUE(await(*dev_, [&] { return worker_of(line(created)).empty(); }));
  std::istringstream pids(forwards);
  for (pid_t pid = 0; pids >> pid;) {
    EXPECT_TRUE(await(*dev_, [&] { return ::kill(pid, 0) != 0; })) << "left over: " << pid;
  }
}

TEST_F(CommandLine, WorkersAreCordonedAndDrainedByHandAndSessionsOutliveIt) {
  start_dev();
  TestProcess owner({"/bin/sleep", "600"}, {}, dir_ / "sleep");
  const Ran created =
      run({"session", "create", "--pool", "p", "--keep", std::to_string(owner.pid())});
  ASSERT_EQ(created.status, 0) << created.output;
  const std::string id = line(created);
  const std::string worker = worker_of(id);
  ASSERT_FALSE(worker.empty());
  const Ran listed = run({"sessions"});
  EXPECT_EQ(listed.status, 0);
  EXPECT_THAT(listed.output, HasSubstr(id));
  EXPECT_THAT(listed.output, HasSubstr(worker));
  EXPECT_EQ(run({"sessions", "p", "-o", "name"}).output, id + "\n");
  EXPECT_EQ(run({"sessions", "nope"}).status, 1);

  EXPECT_EQ(run({"cordon", worker}).output, "worker/" + worker + " cordoned\n");
  EXPECT_TRUE(await(*dev_, [&] { return state_of(worker) == "Cordoned"; }));
  EXPECT_THAT(run({"why", "p"}).output, HasSubstr(worker + " is cordoned; `berth uncordon"));
  EXPECT_EQ(run({"uncordon", worker}).output, "worker/" + worker + " uncordoned\n");
  EXPECT_THAT(run({"why", "p"}).output, Not(HasSubstr("Held by people")));
  // Another worker has come for it meanwhile; it is used again once the pool needs it.
  const Ran second = run({"session", "create", "--pool", "p"});
  const Ran third = run({"session", "create", "--pool", "p"});
  EXPECT_TRUE(await(*dev_, [&] { return state_of(worker) == "Active"; }));
  EXPECT_EQ(run({"session", "complete", line(second)}).status, 0);
  EXPECT_EQ(run({"session", "complete", line(third)}).status, 0);

  const Ran timed_out = run({"drain", worker, "--wait", "--timeout", "1s"});
  EXPECT_EQ(timed_out.status, 124) << timed_out.output;
  EXPECT_THAT(timed_out.output,
              AllOf(HasSubstr("worker/" + worker + " waits for "), HasSubstr(id)));
  EXPECT_EQ(worker_of(id), worker) << "a drain ends no session";
  const auto drain = berth({"drain", worker, "--wait"});
  EXPECT_TRUE(await(*drain, [&] { return drain->output().find(id) != std::string::npos; }));
  EXPECT_TRUE(drain->running());
  owner.kill();
  EXPECT_TRUE(drain->wait(60s)) << drain->output();
  EXPECT_EQ(drain->status(), 0) << drain->output();
  EXPECT_THAT(drain->output(), HasSubstr("worker/" + worker + " drained\n"));
  EXPECT_EQ(run({"drain", "nope"}).status, 1);
}

TEST_F(CommandLine, WhyTellsTheLastDecisionAndWhatItCameFrom) {
  start_dev();
  EXPECT_THAT(run({"why", "p"}).output, HasSubstr("kept free"));
  ASSERT_EQ(run_in_session({"true"}).status, 0);
  EXPECT_TRUE(await(*dev_, [&] {
    const Json why = parse_json(run({"why", "p", "-o", "json"}).output).value_or(Json());
    return find_path(why, {"lastScale", "to"}) != nullptr && !why.at("events").empty() &&
           get_string(why.at("scaling"), "limit").has_value();
  })) << run({"why", "p", "-o", "json"}).output;
  const Ran why = run({"why", "p"});
  EXPECT_EQ(why.status, 0);
  EXPECT_THAT(why.output, HasSubstr("Decision\n"));
  EXPECT_THAT(why.output, HasSubstr("from 0 (scaling.minWorkers) to 2 (scaling.maxWorkers)"));
  EXPECT_THAT(why.output, HasSubstr("WorkerCreated"));
  EXPECT_THAT(why.output, Not(HasSubstr("\x1b"))) << "no colours in a file";
  EXPECT_EQ(run({"why", "nope"}).status, 1);
}

TEST_F(CommandLine, CompletionAsksTheRunningClusterForNames) {
  start_dev();
  EXPECT_EQ(run({"__complete", "why", ""}).output, "p\n:4\n");
  ASSERT_EQ(run_in_session({"true"}).status, 0);
  EXPECT_TRUE(await(*dev_, [&] {
    return run({"__complete", "drain", ""}).output.find("p-0\n") != std::string::npos;
  }));
}

TEST_F(CommandLine, FilesSurviveTheWayInAndOutAndTheKeeperEndsWithItsProcess) {
  start_dev();
  TestProcess owner({"/bin/sleep", "600"}, {}, dir_ / "sleep");
  const Ran created =
      run({"session", "create", "--pool", "p", "--keep", std::to_string(owner.pid())});
  ASSERT_EQ(created.status, 0) << created.output;
  const std::string id = line(created);
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
  owner.kill();
  EXPECT_TRUE(await(*dev_, [&] { return worker_of(id).empty(); }));
}

TEST_F(CommandLine, SessionExecuteRunsActivitiesBesideTheFilesOfTheSession) {
  start_dev();
  const std::string id = line(run({"session", "create", "--pool", "p"}));
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
  const std::string id = line(run({"session", "create", "--pool", "p"}));
  const std::string up = (dir_ / "up").string();
  const auto process =
      berth({"session", "execute", id, "exec",
             R"({"argv": ["sh", "-c", "trap 'touch )" + (dir_ / "told").string() +
                 R"(; exit 0' TERM; touch )" + up + R"(; while :; do sleep 0.05; done"]})"});
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
  const std::string worker = worker_of(line(created));
  ASSERT_FALSE(worker.empty());
  const Ran completed = run({"session", "complete", "--keep-for", "30s", line(created)});
  ASSERT_EQ(completed.status, 0) << completed.output;
  const Ran again = run({"session", "recreate", line(created)});
  ASSERT_EQ(again.status, 0) << again.output;
  EXPECT_NE(line(again), line(created));
  EXPECT_EQ(worker_of(line(again)), worker);
}

TEST_F(CommandLine, PoolScaleFixesTheNumberOfWorkersAndAutoGivesItBack) {
  start_dev();
  const auto workers = [&] {
    const Json list = parse_json(run({"pool", "list", "-o", "json"}).output).value_or(Json());
    const Json items = list.value("items", Json::array());
    const Json* ready =
        items.size() == 1 ? find_path(items[0], {"status", "workers", "ready"}) : nullptr;
    return ready == nullptr ? -1 : ready->get<int>();
  };
  const Ran fixed = run({"pool", "scale", "p", "--workers", "2"});
  ASSERT_EQ(fixed.status, 0) << fixed.output;
  EXPECT_TRUE(await(*dev_, [&] { return workers() == 2; }));
  const Ran automatic = run({"pool", "scale", "p", "--auto"});
  ASSERT_EQ(automatic.status, 0) << automatic.output;
  EXPECT_TRUE(await(*dev_, [&] { return workers() == 0; }));
  EXPECT_EQ(run({"pool", "scale", "nope", "--workers", "1"}).status, 1);
}

}  // namespace
}  // namespace berth::system_test
