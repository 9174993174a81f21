#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/unit/worker_activity/activity_fixture.h"
#include "worker/activity/command_executor.h"
#include "worker/activity/process/leftovers.h"
#include "worker/activity/process/marker.h"
#include "worker/activity/process/process_table.h"
#include "worker/activity/process/spawn.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;
using api::ActivityState;

class StrayProcessesTest : public ActivityTest {
 protected:
  Seen& start_shell(const std::string& script, std::string id = "a1") {
    executors_.push_back(std::make_shared<CommandExecutor>(supervisor_, shell(script), kPath));
    return start(*executors_.back(), task(nullptr, std::move(id)));
  }
  // Leaves a process in a session of its own, whose parent is gone, and writes its number to
  // `file`.
  static std::string daemon(const std::string& prefix, const std::string& file) {
    return "(" + prefix + " setsid sh -c 'echo $$ > " + file + ".new; mv " + file + ".new " + file +
           "; exec sleep 1000' > /dev/null 2>&1 &); "
           "while [ ! -e " +
           file + " ]; do sleep 0.01; done; ";
  }
};

TEST_F(StrayProcessesTest, ChildrenInTheBackgroundEndWithTheirLeader) {
  const auto outcome = outcome_of("sleep 1000 & echo $! > pid; echo 1");
  EXPECT_EQ(outcome.result, 1);
  EXPECT_GT(number_in("pid"), 0);
  EXPECT_FALSE(exists(number_in("pid")));
}

TEST_F(StrayProcessesTest, ADaemonThatLeftTheGroupEndsWithTheActivity) {
  const auto outcome = outcome_of(daemon("", "pid") + "echo 1");
  EXPECT_EQ(outcome.result, 1);
  EXPECT_GT(number_in("pid"), 0);
  EXPECT_FALSE(exists(number_in("pid")));
}

TEST_F(StrayProcessesTest, ADaemonThatClearedItsEnvironmentEndsWithTheActivity) {
  const auto outcome = outcome_of(daemon("env -i PATH=$PATH", "pid") + "echo 1");
  EXPECT_EQ(outcome.result, 1);
  EXPECT_GT(number_in("pid"), 0);
  EXPECT_FALSE(exists(number_in("pid")));
}

TEST_F(StrayProcessesTest, DaemonsEndWhenTheActivityIsCancelled) {
  Seen& seen = start_shell(daemon("", "pid") + "echo 1 >&3; exec sleep 1000");
  run_until([&] { return !seen.progress.empty(); });
  const int stray = number_in("pid");
  EXPECT_TRUE(exists(stray));
  seen.run->cancel("Cancelled");
  run_until_done(seen);
  EXPECT_FALSE(exists(stray));
}

TEST_F(StrayProcessesTest, ADaemonThatHoldsStdoutOpenDoesNotHoldUpTheResult) {
  const auto outcome = outcome_of("setsid sleep 1000 & echo 1");
  EXPECT_EQ(outcome.result, 1);
}

TEST_F(StrayProcessesTest, TheDaemonsOfAnotherActivityLiveOn) {
  Seen& other =
      start_shell(daemon("env -i PATH=$PATH", "other") + "echo 1 >&3; exec sleep 1000", "a2");
  run_until([&] { return !other.progress.empty(); });
  EXPECT_EQ(outcome_of(daemon("", "mine") + "echo 1").result, 1);
  EXPECT_FALSE(exists(number_in("mine")));
  EXPECT_TRUE(exists(number_in("other")));
  EXPECT_FALSE(other.outcome);
  other.run->cancel("Cancelled");
  run_until_done(other);
  EXPECT_FALSE(exists(number_in("other")));
}

TEST_F(StrayProcessesTest, OrphansThatDieWhileTheActivityRunsAreReaped) {
  Seen& seen = start_shell("(setsid sh -c 'echo $$ > pid; exit 0' &); echo 1 >&3; exec sleep 1000");
  run_until([&] {
    const int pid = number_in("pid");
    return pid > 0 && !find_process(pid).has_value();
  });
  EXPECT_FALSE(seen.outcome);
  seen.run->cancel("Cancelled");
  run_until_done(seen);
}

TEST_F(StrayProcessesTest, AChildOfTheProgramAroundUsIsLeftAlone) {
  const pid_t own = ::fork();
  if (own == 0) {
    ::_exit(7);
  }
  EXPECT_EQ(outcome_of("echo 1").result, 1);
  int status = 0;
  ASSERT_EQ(::waitpid(own, &status, 0), own);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(StrayProcessesTest, ManyActivitiesAtOnceEachGetTheirOwnResult) {
  std::vector<Seen*> all;
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    all.push_back(&start_shell("(setsid sleep 1000 &); echo " + n, "a" + n));
  }
  run_until([&] {
    return std::all_of(all.begin(), all.end(), [](Seen* s) { return s->outcome.has_value(); });
  });
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(all[static_cast<std::size_t>(i)]->outcome->result, i);
  }
  const auto left = list_processes();
  EXPECT_TRUE(std::none_of(left->begin(), left->end(),
                           [](const ProcessInfo& p) { return p.parent == ::getpid(); }));
}

// Stands for what a killed worker leaves behind: started like an activity, watched by nobody.
class LeftoversTest : public StrayProcessesTest {
 protected:
  Spawned leave(const std::string& script, const std::string& marker, bool in_environment = true) {
    SpawnSpec spec;
    spec.argv = {"sh", "-c", script};
    spec.env = {std::string("PATH=") + kPath};
    if (in_environment) {
      spec.env.push_back(std::string(kMarkerVariable) + "=" + marker);
    }
    spec.directory = folder_.path();
    spec.limit_mark = limit_mark(marker);
    auto child = spawn(spec);
    EXPECT_TRUE(child) << child.error().text();
    return std::move(*child);
  }
  static void reap(const Spawned& child) {
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
  }
  // Blocks until the script has closed its stdout.
  static void await_end_of_output(const Spawned& child) {
    ::fcntl(child.out.get(), F_SETFL, 0);
    char c = 0;
    while (::read(child.out.get(), &c, 1) > 0) {
    }
  }
};

TEST_F(LeftoversTest, TheWholeActivityIsKilled) {
  const Spawned child =
      leave(daemon("", "one") + daemon("env -i PATH=$PATH", "two") + "exec >&-; sleep 1000 & wait",
            "/s/s1/a1");
  await_end_of_output(child);
  const auto killed = kill_leftovers(child.pid, "/s/s1/a1");
  ASSERT_TRUE(killed) << killed.error().text();
  EXPECT_GE(*killed, 3U);
  EXPECT_FALSE(exists(child.pid));
  EXPECT_FALSE(exists(number_in("one")));
  EXPECT_FALSE(exists(number_in("two")));
  EXPECT_EQ(*kill_leftovers(child.pid, "/s/s1/a1"), 0U);
}

TEST_F(LeftoversTest, AnotherMarkerWithTheSameGroupIsNotTouched) {
  const Spawned child = leave("exec sleep 1000", "/s/s1/a10");
  EXPECT_EQ(*kill_leftovers(child.pid, "/s/s1/a1"), 0U);
  EXPECT_TRUE(exists(child.pid));
  reap(child);
}

TEST_F(LeftoversTest, TheSameIdsOnAnotherWorkerAreNotTouched) {
  const api::ActivityId a1("a1");
  const Spawned child = leave("exec sleep 1000", activity_marker("/pod-1/s1", a1));
  EXPECT_EQ(*kill_leftovers(0, activity_marker("/pod-2/s1", a1)), 0U);
  EXPECT_TRUE(exists(child.pid));
  reap(child);
}

TEST_F(LeftoversTest, EachMarkIsEnough) {
  const Spawned by_limit = leave("exec sleep 1000", "/s/s1/a1", false);
  EXPECT_EQ(*kill_leftovers(0, "/s/s1/a1"), 1U);
  EXPECT_FALSE(exists(by_limit.pid));
  ASSERT_FALSE(has_environment_mark(::getpid(), "/s/s1/a1"));
}

}  // namespace
}  // namespace berth::worker
