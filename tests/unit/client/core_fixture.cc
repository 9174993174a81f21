#include "tests/unit/client/core_fixture.h"

namespace berth::client {

namespace {
api::WorkerRef worker() {
  return {"files-2", api::WorkerUid("uid-2"), api::Incarnation("inc-1"), "10.0.0.2:8080"};
}
}  // namespace

http::Response created_answer(const std::string& id, Duration heartbeat) {
  api::SessionCreated c;
  c.id = api::SessionId(id);
  c.worker = worker();
  c.recreate_token = "files-2.uid-2." + id + ".0a";
  c.heartbeat_timeout = heartbeat;
  c.lease_remaining = heartbeat;
  c.execution_remaining = std::chrono::hours(1);
  return http::Response::json(201, dump_json(api::to_json(c)));
}

http::Response session_answer(const std::string& id, api::SessionState state,
                              std::optional<api::EndReason> reason) {
  api::SessionInfo i;
  i.id = api::SessionId(id);
  i.state = state;
  i.end_reason = reason;
  i.worker = worker();
  return http::Response::json(200, dump_json(api::to_json(i)));
}

http::Response activity_answer(const api::ActivityInfo& info) {
  return http::Response::json(info.version == 1 ? 202 : 200, dump_json(api::to_json(info)));
}

http::Response running(const std::string& activity_id, std::int64_t version) {
  api::ActivityInfo i;
  i.activity_id = api::ActivityId(activity_id);
  i.version = version;
  return activity_answer(i);
}

http::Response finished(const std::string& activity_id, Json result) {
  api::ActivityInfo i;
  i.activity_id = api::ActivityId(activity_id);
  i.version = 100;
  i.state = api::ActivityState::kSucceeded;
  i.result = std::move(result);
  return activity_answer(i);
}

http::Response failed(const std::string& activity_id, api::ActivityState state,
                      api::ActivityFailure failure) {
  api::ActivityInfo i;
  i.activity_id = api::ActivityId(activity_id);
  i.version = 100;
  i.state = state;
  i.failure = std::move(failure);
  return activity_answer(i);
}

http::Response error_answer(int status, const std::string& code, const std::string& message) {
  return http::Response::json(status, dump_json({{"code", code}, {"message", message}}));
}

CoreTest::CoreTest() {
  options.gateway = "http://gw-a:7070, http://gw-b:7070";
  options.token = "caller";
  options.pool = "files";
  options.direct = true;
  options.log = Log::to_function([this](const std::string& line) { log_lines.push_back(line); });
  core = std::make_unique<Core>(Core::Parts{loop, transport, random,
                                            [](const std::function<void()>& job) {
                                              job();
                                              return true;
                                            },
                                            door},
                                options);
}

void CoreTest::TearDown() {
  core->close([] {});
  loop.advance(Core::kCloseGrace);
  EXPECT_EQ(core->sessions(), 0u);
  EXPECT_EQ(core->calls(), 0u);
}

void CoreTest::begin_open(SessionOptions session) {
  opened.reset();
  core->open({"files", std::move(session), std::nullopt, root}, call_scope,
             [this](Outcome<Core::SessionPtr> outcome) { opened = std::move(outcome); });
  loop.run_ready();
}

Core::SessionPtr CoreTest::open(SessionOptions session, Duration heartbeat) {
  begin_open(std::move(session));
  transport.expect_request("POST", "/v1/namespaces/default/pools/files/sessions")
      ->answer(created_answer("s1", heartbeat));
  loop.run_ready();
  EXPECT_TRUE(opened && *opened);
  return opened && *opened ? **opened : nullptr;
}

void CoreTest::keep_alive(const std::string& id) {
  transport.on("POST", "/v1/sessions/{id}/heartbeat",
               [id](const http::Request&) { return session_answer(id, api::SessionState::kOpen); });
}

Json CoreTest::body_of(const fakes::FakeTransport::CallPtr& call) const {
  return parse_json(call->request().body).value_or(Json());
}

bool CoreTest::logged(const std::string& text) const {
  for (const std::string& line : log_lines) {
    if (line.find(text) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace berth::client
