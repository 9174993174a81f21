// The public functions over real sockets, with a scripted gateway and worker.
#include "berth/client/client.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "tests/unit/client/loopback_server.h"

namespace berth::client {
namespace {

TEST(ClientErrorText, TellsTheReasonOnce) {
  ClientError e;
  e.kind = ErrorKind::kSessionFailed;
  e.ended = api::EndReason::kLeaseExpired;
  e.error = Error::make(ErrorCode::kGone, "SessionEnded", "session 's' is over: LeaseExpired");
  EXPECT_EQ(e.text(), "SessionFailed: session 's' is over: LeaseExpired");
  e.error.message = "it was lost";
  EXPECT_EQ(e.text(), "SessionFailed: it was lost (LeaseExpired)");
}

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
namespace fs = std::filesystem;

class ClientTest : public testing::Test {
 protected:
  ClientOptions options() {
    ClientOptions o;
    o.gateway = server.origin();
    o.token = "caller";
    o.pool = "files";
    o.log = Log::to_function([this](const std::string& line) {
      const std::lock_guard lock(mutex);
      log += line;
    });
    return o;
  }
  bool logged(const std::string& text) {
    const std::lock_guard lock(mutex);
    return log.find(text) != std::string::npos;
  }
  Context open() {
    auto session = create_session(client->context(), {}).get();
    EXPECT_TRUE(session) << session.error().text();
    return *session;
  }

  std::mutex mutex;
  std::string log;
  LoopbackServer server;
  std::unique_ptr<Client> client = std::make_unique<Client>(options());
};

TEST_F(ClientTest, OpensRunsAndCompletes) {
  const Context session = open();
  const auto info = session_info(session);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->host_name, "w-0");
  EXPECT_EQ(info->worker, "w-0");
  EXPECT_EQ(info->state, SessionState::kOpen);
  EXPECT_FALSE(session_failure(session));
  const auto echoed = execute_activity(session, "echo", {{"a", 1}}).get();
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->result["a"], 1);
  EXPECT_EQ(execute_activity(session, "fail", {}).get().error().kind, ErrorKind::kActivityFailed);
  EXPECT_TRUE(complete_session(session).get());
  EXPECT_EQ(session_info(session)->state, SessionState::kClosed);
  EXPECT_EQ(server.state().ended.size(), 1u);
  EXPECT_TRUE(complete_session(session).get());
  EXPECT_EQ(execute_activity(session, "echo", {}).get().error().kind, ErrorKind::kNoSession);
}

TEST_F(ClientTest, ThroughTheGatewayWorksTheSame) {
  auto o = options();
  o.direct = false;
  client = std::make_unique<Client>(o);
  const Context session = open();
  EXPECT_TRUE(execute_activity(session, "echo", 1).get());
  EXPECT_TRUE(complete_session(session).get());
}

TEST_F(ClientTest, ManySessionsAtOnceFromSeveralThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const Context session = open();
        const auto result = execute_activity(session, "echo", i).get();
        good += result && result->result == i ? 1 : 0;
        EXPECT_TRUE(complete_session(session).get());
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_EQ(good, 40);
  EXPECT_EQ(server.state().ended.size(), 40u);
}

TEST_F(ClientTest, AContextWithoutASessionSaysSo) {
  const Context context = client->context();
  EXPECT_FALSE(session_info(context));
  EXPECT_FALSE(session_handle(context));
  EXPECT_FALSE(session_failure(context));
  EXPECT_EQ(recreate_token(context), "");
  EXPECT_EQ(execute_activity(context, "echo", {}).get().error().kind, ErrorKind::kNoSession);
  EXPECT_EQ(complete_session(context).get().error().kind, ErrorKind::kNoSession);
}

TEST_F(ClientTest, ASecondSessionInOneContextIsRefusedUntilTheFirstIsOver) {
  const Context session = open();
  EXPECT_EQ(create_session(session, {}).get().error().kind, ErrorKind::kSessionAlreadyOpen);
  EXPECT_TRUE(complete_session(session).get());
  EXPECT_TRUE(create_session(session, {}).get());
}

TEST_F(ClientTest, ArgumentsAreCheckedBeforeAnythingIsSent) {
  const auto field = [](const auto& future) { return future.get().error().error.field; };
  EXPECT_EQ(field(create_session(client->context(), {.creation_timeout = seconds(0)})),
            "creation_timeout");
  EXPECT_EQ(field(create_session(client->context(), {.id = "No Good"})), "id");
  EXPECT_EQ(field(recreate_session(client->context(), "nonsense", {})), "recreateToken");
  const Context session = open();
  EXPECT_EQ(field(complete_session(session, seconds(-1))), "keep_for");
  EXPECT_EQ(field(put_file(session, "../up", "/etc/hostname")), "path");
  EXPECT_EQ(field(put_file(session, "up", "/nonexistent/file")), "local");
  EXPECT_EQ(field(client->get("v1/pools")), "path");
  EXPECT_EQ(field(execute_activity(session, "exec", {{"argv", {"ls", "\xff"}}})), "input.argv[1]");
  EXPECT_EQ(field(execute_activity(session, "e\xff", {})), "type");
  EXPECT_EQ(field(execute_activity(session.with_options({.id = "No"}), "echo", {})), "id");
  EXPECT_EQ(
      field(execute_activity(session.with_options({.max_attempts = 2, .id = "a"}), "echo", {})),
      "max_attempts");
  EXPECT_EQ(server.state().activities_started, 0u);
  auto o = options();
  o.pool = "";
  Client no_pool(o);
  EXPECT_EQ(field(create_session(no_pool.context(), {})), "pool");
  EXPECT_EQ(server.state().creates, 1u);
}

TEST_F(ClientTest, CancellingTheFutureCancelsTheActivity) {
  const Context session = open();
  const auto future = execute_activity(session, "hang", {});
  server.wait_for([](const auto& s) { return s.activities_started == 1; });
  future.cancel();
  const auto outcome = future.get();
  EXPECT_EQ(outcome.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(session_info(session)->state, SessionState::kOpen);
}

TEST_F(ClientTest, CancellingAContextCancelsWhatWasStartedFromIt) {
  const Context session = open();
  const Context part = session.with_cancel();
  const auto future = execute_activity(part, "hang", {});
  server.wait_for([](const auto& s) { return s.activities_started == 1; });
  part.cancel();
  EXPECT_EQ(future.get().error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(execute_activity(part, "echo", {}).get().error().kind, ErrorKind::kCancelled);
  EXPECT_FALSE(session.cancelled());
  EXPECT_TRUE(execute_activity(session, "echo", {}).get());
}

TEST_F(ClientTest, CancellingTheContextOfASessionCompletesIt) {
  const Context parent = client->context().with_cancel();
  const auto session = create_session(parent, {}).get();
  ASSERT_TRUE(session);
  parent.cancel();
  server.wait_for([](const auto& s) { return s.ended.size() == 1; });
  EXPECT_TRUE(session->cancelled());
}

TEST_F(ClientTest, CancellingACreationThatWaits) {
  server.with([](auto& s) { s.hold_creates = true; });
  const auto future = create_session(client->context(), {});
  server.wait_for([](const auto& s) { return s.creates == 1; });
  future.cancel();
  EXPECT_EQ(future.get().error().kind, ErrorKind::kCancelled);
}

TEST_F(ClientTest, ACreationThatWaitsTooLongIsACreationTimeout) {
  server.with([](auto& s) { s.hold_creates = true; });
  const auto outcome =
      create_session(client->context(), {.creation_timeout = milliseconds(50)}).get();
  EXPECT_EQ(outcome.error().kind, ErrorKind::kCreationTimeout);
}

TEST_F(ClientTest, DroppingTheLastCopyCompletesTheSession) {
  {
    const Context session = open();
    const Context copy = session.with_options({.max_attempts = 2});
    std::thread([copy] {}).join();
  }
  server.wait_for([](const auto& s) { return s.ended.size() == 1; });
  EXPECT_TRUE(logged("the last context of an open session has gone"));
}

TEST_F(ClientTest, ARunningActivityKeepsTheSessionOfADroppedContext) {
  auto future = [this] { return execute_activity(open(), "hang", {}); }();
  server.wait_for([](const auto& s) { return s.activities_started == 1; });
  EXPECT_TRUE(server.state().ended.empty());
  future.cancel();
  EXPECT_EQ(future.get().error().kind, ErrorKind::kCancelled);
  server.wait_for([](const auto& s) { return s.ended.size() == 1; });
}

TEST_F(ClientTest, DroppingTheFutureOfACreationLeavesNoSession) {
  (void)create_session(client->context(), {});
  server.wait_for([](const auto& s) { return s.ended.size() == 1; });
}

TEST_F(ClientTest, AnEndedSessionFailsWithItsReasonAndTellsItsContext) {
  const Context session = open();
  std::promise<void> done;
  session.on_done([&done] { done.set_value(); });
  const auto hanging = execute_activity(session, "hang", {});
  server.wait_for([](const auto& s) { return s.activities_started == 1; });
  server.with([](auto& s) { s.end_all = true; });
  EXPECT_EQ(execute_activity(session, "echo", {}).get().error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(hanging.get().error().ended, api::EndReason::kDrainDeadline);
  done.get_future().wait();
  const auto later = execute_activity(session, "echo", {}).get();
  EXPECT_EQ(later.error().kind, ErrorKind::kSessionFailed);
  ASSERT_TRUE(session_failure(session));
  EXPECT_EQ(session_failure(session)->text(), later.error().text());
  EXPECT_EQ(later.error().ended, api::EndReason::kDrainDeadline);
  EXPECT_TRUE(session.cancelled());
  EXPECT_TRUE(complete_session(session).get());
  server.with([](auto& s) { s.end_all = false; });
  EXPECT_TRUE(create_session(session, {}).get());
}

TEST_F(ClientTest, FilesGoUpAndComeDown) {
  std::string pattern = (fs::temp_directory_path() / "berth-client-XXXXXX").string();
  const fs::path directory = ::mkdtemp(pattern.data());
  const std::string bytes(300'000, 'b');
  std::ofstream(directory / "up") << bytes;
  const Context session = open();
  const auto up = put_file(session, "in/data 1", directory / "up").get();
  EXPECT_TRUE(up) << up.error().text();
  EXPECT_EQ(server.state().files["in/data 1"], bytes);
  const auto down = get_file(session, "in/data 1", directory / "down").get();
  EXPECT_TRUE(down) << down.error().text();
  std::ostringstream got;
  got << std::ifstream(directory / "down").rdbuf();
  EXPECT_EQ(got.str(), bytes);
  EXPECT_EQ(get_file(session, "none", directory / "none").get().error().kind,
            ErrorKind::kFileNotFound);
  EXPECT_FALSE(fs::exists(directory / "none"));
  fs::remove_all(directory);
}

TEST_F(ClientTest, AnotherProcessMayUseTheSession) {
  const Context session = open();
  Client other(options());
  {
    const Context attached = attach_session(other.context(), *session_handle(session), true);
    EXPECT_EQ(session_info(attached)->id, session_info(session)->id);
    EXPECT_TRUE(execute_activity(attached, "echo", 1).get());
  }
  server.wait_for([](const auto& s) { return s.heartbeats > 0; });
  EXPECT_TRUE(execute_activity(session, "echo", 1).get());
  EXPECT_TRUE(server.state().ended.empty());
  const Context closer = attach_session(other.context(), *session_handle(session), false);
  EXPECT_TRUE(complete_session(closer).get());
  EXPECT_EQ(server.state().ended.size(), 1u);
}

TEST_F(ClientTest, ListsSessionsAndSkipsWhatItCannotRead) {
  const Context session = open();
  const auto list = client->list_sessions("").get();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().id.str(), session_info(session)->id);
  EXPECT_TRUE(logged("cannot be read"));
  EXPECT_EQ(client->list_sessions("other").get().error().kind, ErrorKind::kPoolNotFound);
}

TEST_F(ClientTest, DestroyingTheClientCompletesAndAnswersEverything) {
  const Context session = open();
  const auto hanging = execute_activity(session, "hang", {});
  server.wait_for([](const auto& s) { return s.activities_started == 1; });
  server.with([](auto& s) { s.hold_creates = true; });
  const auto creating = create_session(client->context(), {});
  client.reset();
  EXPECT_EQ(hanging.get().error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(creating.get().error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(server.state().ended.size(), 1u);
  // A context that outlives its client is harmless.
  EXPECT_EQ(execute_activity(session, "echo", {}).get().error().kind, ErrorKind::kNoSession);
  session.cancel();
}

TEST_F(ClientTest, ThreadsMayCallWhileTheClientGoes) {
  const Context session = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([session] {
      for (int i = 0; i < 200; ++i) {
        const Context part = session.with_cancel();
        const auto outcome = execute_activity(part, "echo", i).get();
        if (!outcome) {
          EXPECT_TRUE(outcome.error().kind == ErrorKind::kCancelled ||
                      outcome.error().kind == ErrorKind::kNoSession)
              << outcome.error().text();
        }
      }
    });
  }
  server.wait_for([](const auto& s) { return s.activities_started > 5; });
  client.reset();
  for (std::thread& t : threads) {
    t.join();
  }
}

TEST_F(ClientTest, CallbacksMayUseTheClient) {
  const Context session = open();
  std::promise<ErrorKind> chained;
  execute_activity(session, "echo", 1).then([&](const auto& first) {
    EXPECT_TRUE(first);
    execute_activity(session, "fail", 2).then([&](const auto& second) {
      chained.set_value(second.error().kind);
    });
  });
  EXPECT_EQ(chained.get_future().get(), ErrorKind::kActivityFailed);
}

}  // namespace
}  // namespace berth::client
