#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "berth/base/file.h"
#include "berth/base/json.h"
#include "tests/integration/system/command_line.h"

/// Pools and workers by the command line, with `berth dev` as the cluster; the same from a laptop.
namespace berth::system_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(CommandLine, FromALaptopEverythingGoesThroughKubectl) {
  start_dev();
  // A kubectl whose cluster is the running `berth dev`.
  fs::create_directories(dir_ / "bin");
  std::ofstream(dir_ / "pool.json") << run({"pool", "describe", "p", "-o", "json"}).output;
  std::ofstream(dir_ / "bin" / "kubectl")
      << "#!/bin/sh\ncase \"$*\" in\n*'get sessionpools'*) cat '" << (dir_ / "pool.json").string()
      << "';;\n*' get '*) echo '{\"items\": []}';;\n*view*) printf default;;\n*create*) cat '"
      << (dir_ / "data" / "token").string() << "';;\n*port-forward*) echo 'Forwarding from "
      << gateway_.substr(std::string("http://").size()) << " -> 7070'; echo $$ >> '"
      << (dir_ / "forwards").string() << "'; exec sleep 1000;;\nesac\n";
  fs::permissions(dir_ / "bin" / "kubectl", fs::perms::owner_all);
  const auto laptop = [&](const std::string& args) {
    TestProcess process({"/bin/sh", "-c",
                         "export PATH='" + (dir_ / "bin").string() + "':/usr/bin:/bin; " +
                             BERTH_BINARY + " --context prod " + args},
                        {"XDG_STATE_HOME=" + (dir_ / "laptop").string(), "BERTH_GATEWAY="},
                        dir_ / ("laptop-" + std::to_string(++runs_)));
    EXPECT_TRUE(process.wait(30s));
    return Ran{process.status(), process.output()};
  };
  const Ran checked = laptop("config --check");
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("shows 1 pool."));
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
  const Ran copied = laptop("cp '" + (dir_ / "in").string() + "' " + first_line(created) + ":in");
  EXPECT_EQ(copied.status, 0) << copied.output;
  EXPECT_FALSE(worker_of(first_line(created)).empty());
  const std::string forwards = *read_file(dir_ / "forwards");
  owner.kill();
  EXPECT_TRUE(await(*dev_, [&] { return worker_of(first_line(created)).empty(); }));
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
  const std::string id = first_line(created);
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
  EXPECT_EQ(run({"session", "complete", first_line(second)}).status, 0);
  EXPECT_EQ(run({"session", "complete", first_line(third)}).status, 0);

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

TEST_F(CommandLine, WhatIsNotThereIsToldInTheSameWordsByEachCommand) {
  start_dev();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"why", "nope"},
        {"top", "nope"},
        {"sessions", "nope"},
        {"pool", "describe", "nope"},
        {"pool", "scale", "nope", "--auto"},
        {"session", "create", "--pool", "nope"},
        {"session", "run", "--pool", "nope", "--", "true"}}) {
    EXPECT_THAT(run(command).output, HasSubstr("PoolNotFound: there is no pool default/nope;"))
        << command.front();
  }
  for (const char* command : {"cordon", "uncordon", "drain"}) {
    EXPECT_THAT(run({command, "nope"}).output,
                HasSubstr("WorkerNotFound: there is no worker default/nope;"));
  }
}

TEST_F(CommandLine, CompletionAsksTheRunningClusterForNames) {
  start_dev();
  EXPECT_EQ(run({"__complete", "why", ""}).output, "p\n:4\n");
  ASSERT_EQ(run_in_session({"true"}).status, 0);
  EXPECT_TRUE(await(*dev_, [&] {
    return run({"__complete", "drain", ""}).output.find("p-0\n") != std::string::npos;
  }));
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
