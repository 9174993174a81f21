#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <future>
#include <set>

#include "tests/integration/system/stack.h"

/// Promises to callers while programs under them die.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::ErrorKind;
using client::execute_activity;
using ::testing::HasSubstr;

client::SessionOptions lease(Duration heartbeat, Duration creation = 60s) {
  client::SessionOptions o;
  o.creation_timeout = creation;
  o.heartbeat_timeout = heartbeat;
  return o;
}

class Sessions : public ::testing::Test {
 protected:
  /// `count` callers, all waiting in line. Their futures.
  std::vector<client::Future<client::Context>> ask(client::Client& client, int count,
                                                   Duration heartbeat) {
    std::vector<client::Future<client::Context>> out;
    for (int i = 0; i < count; ++i) {
      out.push_back(create_session(client.context(), lease(heartbeat)));
    }
    return out;
  }
  std::vector<client::Context> all_served(
      const std::vector<client::Future<client::Context>>& futures) {
    std::vector<client::Context> out;
    for (const auto& f : futures) {
      const auto session = f.get();
      EXPECT_TRUE(session) << session.error().text();
      if (session) {
        out.push_back(*session);
      }
    }
    return out;
  }

  Stack stack_;
};

TEST_F(Sessions, TwentyCallersAtZeroWorkersAreAllServedAndThePoolGoesBackToZero) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(5, 4));
  EXPECT_TRUE(stack_.pods().empty());
  client::Client client(stack_.client_options("p"));
  const auto sessions = all_served(ask(client, 20, 10s));
  ASSERT_EQ(sessions.size(), 20U);
  std::set<std::string> workers;
  for (const auto& s : sessions) {
    const auto ran = execute_activity(s, "exec", argv({"/bin/sh", "-c", "pwd"})).get();
    ASSERT_TRUE(ran) << ran.error().text();
    EXPECT_EQ(ran->exit_status, 0);
    workers.insert(session_info(s)->worker);
  }
  EXPECT_EQ(workers.size(), 5U);
  for (const auto& s : sessions) {
    EXPECT_TRUE(complete_session(s).get());
  }
  EXPECT_TRUE(stack_.await([&] { return stack_.pods().empty(); })) << dump_json(stack_.pods());
}

TEST_F(Sessions, AKilledWorkerComesBackWithItsSessionsAndTheirFiles) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 2));
  client::Client client(stack_.client_options("p"));
  const auto session = create_session(client.context(), lease(20s)).get();
  ASSERT_TRUE(session) << session.error().text();
  std::ofstream(stack_.dir() / "note") << "kept";
  ASSERT_TRUE(put_file(*session, "note", stack_.dir() / "note").get());
  const auto nap = execute_activity(*session, "exec",
                                    argv({"/bin/sh", "-c", "echo up > started; exec sleep 600"}));
  ASSERT_TRUE(stack_.await(
      [&] { return get_file(*session, "started", stack_.dir() / "started").get().has_value(); }));
  const std::string worker = session_info(*session)->worker;
  const pid_t before = stack_.worker_pid(worker);
  ASSERT_GT(before, 0);
  ASSERT_EQ(::kill(before, SIGKILL), 0);

  ASSERT_TRUE(nap.wait_for(30s));
  ASSERT_FALSE(nap.get());
  EXPECT_EQ(nap.get().error().kind, ErrorKind::kActivityFailed) << nap.get().error().text();
  EXPECT_EQ(nap.get().error().activity->type, "WorkerRestarted");
  const auto read = execute_activity(*session, "exec", argv({"cat", "note"})).get();
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->output, "kept");
  EXPECT_EQ(session_info(*session)->worker, worker);
  EXPECT_NE(stack_.worker_pid(worker), before);
  EXPECT_EQ(find_process("sleep", {stack_.dir().string()}), -1)
      << "the activity outlived its worker";
}

TEST_F(Sessions, CallersInLineSurviveAKilledGatewayAndNoneIsServedTwice) {
  constexpr int kCallers = 40;
  stack_.start_gateway();
  stack_.add_pool("p", Stack::quick_pool(10, 4));
  client::Client client(stack_.client_options("p"));
  const auto futures = ask(client, kCallers, 10s);
  ASSERT_TRUE(stack_.await([&] { return stack_.waiting("p") == kCallers; }));
  stack_.kill_gateway();
  stack_.start_gateway();
  ASSERT_TRUE(stack_.await([&] { return stack_.waiting("p") == kCallers; }))
      << dump_json(stack_.pool("p"));
  stack_.start_operator();
  const auto sessions = all_served(futures);
  ASSERT_EQ(sessions.size(), static_cast<std::size_t>(kCallers));
  std::set<std::string> mine;
  for (const auto& s : sessions) {
    mine.insert(session_info(s)->id);
  }
  std::set<std::string> theirs;
  const auto listed = client.list_sessions("p").get();
  ASSERT_TRUE(listed) << listed.error().text();
  EXPECT_EQ(listed->size(), static_cast<std::size_t>(kCallers));
  for (const auto& s : *listed) {
    theirs.insert(s.id.str());
  }
  EXPECT_EQ(mine, theirs);
  EXPECT_TRUE(stack_.await([&] { return stack_.used_slots("p") == kCallers; }));
}

TEST_F(Sessions, ADeadClientsSlotsReturnWithinTheHeartbeatTimeoutAndItsActivitiesStop) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 2));
  const auto run = [&](const std::string& name) {
    return std::make_unique<TestProcess>(
        std::vector<std::string>{BERTH_BINARY, "--gateway", stack_.gateway(), "--token-file",
                                 stack_.token_file(), "session", "run", "--pool", "p",
                                 "--heartbeat-timeout", "2s", "--", "sleep", "600"},
        std::vector<std::string>{"XDG_STATE_HOME=" + stack_.dir().string()}, stack_.dir() / name);
  };
  const auto first = run("first");
  const auto second = run("second");
  const auto sleeping = [&] { return find_process("sleep", {stack_.dir().string()}) > 0; };
  ASSERT_TRUE(stack_.await([&] { return stack_.used_slots("p") == 2 && sleeping(); }))
      << first->output() << second->output();
  const auto killed = std::chrono::steady_clock::now();
  first->kill();
  second->kill();
  EXPECT_TRUE(stack_.await([&] { return stack_.used_slots("p") <= 0; }));
  const auto took = std::chrono::steady_clock::now() - killed;
  EXPECT_LT(took, 10s);
  EXPECT_FALSE(sleeping());
}

TEST_F(Sessions, AWorkerStoppedForLongerThanALeaseLosesNoSession) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 2));
  client::Client client(stack_.client_options("p"));
  const auto watcher = create_session(client.context(), lease(1s)).get();
  ASSERT_TRUE(watcher) << watcher.error().text();
  const std::string worker = session_info(*watcher)->worker;
  std::promise<void> lost;
  watcher->on_done([&] { lost.set_value(); });
  const pid_t pid = stack_.worker_pid(worker);
  ASSERT_GT(pid, 0);
  // Opened without a client that would renew it.
  const auto opened = stack_.http("POST", "/v1/namespaces/default/pools/p/sessions", stack_.token(),
                                  R"({"heartbeatTimeout": "1s"})");
  ASSERT_EQ(opened.status, 201) << opened.text;
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  // What is tested is the passing of time itself; the client says so too, by its own clock.
  const auto after_lease = std::chrono::steady_clock::now() + 1500ms;
  const bool verdict = lost.get_future().wait_for(20s) == std::future_status::ready;
  stack_.await([&] { return std::chrono::steady_clock::now() > after_lease; });
  ::kill(pid, SIGCONT);
  ASSERT_TRUE(verdict);
  const auto session = stack_.http("GET",
                                   "/v1/namespaces/default/pools/p/workers/" + worker +
                                       "/sessions/" + string_at(opened.body, {"id"}),
                                   string_at(opened.body, {"token"}));
  EXPECT_EQ(session.status, 200) << session.text;
  EXPECT_EQ(string_at(session.body, {"state"}), "Open") << session.text;
  const auto late = execute_activity(*watcher, "exec", argv({"true"})).get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kSessionFailed) << late.error().text();
}

}  // namespace
}  // namespace berth::system_test
