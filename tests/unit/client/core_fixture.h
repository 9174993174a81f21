#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "client/src/core.h"
#include "tests/fakes/fake_transport.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::client {

/// Where activities of the fixture's session are begun.
inline constexpr const char* kStart = "/v1/sessions/s1/activities";

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// JSON answers as worker and gateway give them.
http::Response created_answer(const std::string& id, Duration heartbeat = seconds(20));
http::Response session_answer(const std::string& id, api::SessionState state,
                              std::optional<api::EndReason> reason = std::nullopt);
http::Response activity_answer(const api::ActivityInfo& info);
http::Response running(const std::string& activity_id, std::int64_t version);
http::Response finished(const std::string& activity_id, Json result);
http::Response failed(const std::string& activity_id, api::ActivityState state,
                      api::ActivityFailure failure);
http::Response error_answer(int status, const std::string& code, const std::string& message);

/// A Core on a manual loop and a scripted transport.
class CoreTest : public testing::Test {
 protected:
  CoreTest();
  /// Closes the core, as a Client does: nothing is left that holds another thing in a circle.
  void TearDown() override;

  /// Opens session "s1" and hands it over, with its answer given at once.
  Core::SessionPtr open(SessionOptions options = {.id = "s1"}, Duration heartbeat = seconds(20));
  /// Starts an open() that the test answers.
  void begin_open(SessionOptions options = {.id = "s1"});
  /// Answers renewals from now on; counted by transport.count().
  void keep_alive(const std::string& id = "s1");

  Json body_of(const fakes::FakeTransport::CallPtr& call) const;

  fakes::ManualLoop loop;
  fakes::FakeTransport transport{loop};
  fakes::SeededRandom random;
  std::vector<std::string> log_lines;
  ClientOptions options;
  std::shared_ptr<Door> door = std::make_shared<Door>(loop);
  std::unique_ptr<Core> core;
  std::shared_ptr<CancelScope> root = CancelScope::root();
  std::shared_ptr<CancelScope> call_scope = CancelScope::child_of(root);
  std::optional<Outcome<Core::SessionPtr>> opened;

  bool logged(const std::string& text) const;
};

}  // namespace berth::client
