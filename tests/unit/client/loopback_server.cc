#include "tests/unit/client/loopback_server.h"

#include <stdexcept>

#include "berth/api/session.h"
#include "berth/auth/session_token.h"

namespace berth::client {
namespace {

constexpr const char* kPool = "/v1/namespaces/default/pools/files";
constexpr const char* kWorker = "/v1/namespaces/default/pools/files/workers/w-0";

api::WorkerRef worker(const std::string& address) {
  return {"w-0", api::WorkerUid("uid"), api::Incarnation("inc"), address};
}

http::Response info_response(const std::string& id, api::SessionState state,
                             const std::string& address) {
  api::SessionInfo i;
  i.id = api::SessionId(id);
  i.state = state;
  if (state != api::SessionState::kOpen) {
    i.end_reason = api::EndReason::kDrainDeadline;
  }
  i.worker = worker(address);
  return http::Response::json(200, dump_json(api::to_json(i)));
}

}  // namespace

LoopbackServer::LoopbackServer() {
  add_routes();
  http::ServerOptions options;
  options.address = "127.0.0.1:0";
  auto server = http::serve(loop_, router_, std::move(options));
  if (!server) {
    throw std::runtime_error(server.error().text());
  }
  server_ = *std::move(server);
  address_ = server_->address();
  thread_ = std::thread([this] { loop_.run(); });
}

LoopbackServer::~LoopbackServer() {
  loop_.post([this] {
    polls_.clear();
    held_.clear();
    server_.reset();
    loop_.stop();
  });
  thread_.join();
}

void LoopbackServer::with(const std::function<void(State&)>& fn) {
  std::promise<void> done;
  loop_.post([&] {
    fn(state_);
    look();
    done.set_value();
  });
  done.get_future().wait();
}

LoopbackServer::State LoopbackServer::state() {
  State copy;
  with([&](State& s) { copy = s; });
  return copy;
}

void LoopbackServer::wait_for(std::function<bool(const State&)> fn) {
  std::promise<void> done;
  loop_.post([&, fn = std::move(fn)]() mutable {
    waiters_.emplace_back(std::move(fn), [&done] { done.set_value(); });
    look();
  });
  done.get_future().wait();
}

void LoopbackServer::look() {
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    if (it->first(state_)) {
      it->second();
      it = waiters_.erase(it);
    } else {
      ++it;
    }
  }
}

void LoopbackServer::route(const std::string& method, const std::string& suffix,
                           void (LoopbackServer::*fn)(const ExchangePtr&)) {
  const auto handler = [this, fn](const ExchangePtr& exchange) {
    if (!refused(exchange)) {
      (this->*fn)(exchange);
    }
    look();
  };
  router_.add(method, "/v1/sessions/{id}" + suffix, handler);
  router_.add(method, std::string(kWorker) + "/sessions/{id}" + suffix, handler);
}

void LoopbackServer::add_routes() {
  router_.add("POST", std::string(kPool) + "/sessions", [this](const ExchangePtr& e) {
    create(e);
    look();
  });
  router_.add("GET", std::string(kPool) + "/sessions", [this](const ExchangePtr& e) { list(e); });
  route("POST", "/heartbeat", &LoopbackServer::heartbeat);
  route("DELETE", "", &LoopbackServer::end);
  route("POST", "/activities", &LoopbackServer::start_activity);
  route("GET", "/activities/{activity}", &LoopbackServer::poll_activity);
  route("DELETE", "/activities/{activity}", &LoopbackServer::cancel_activity);
  route("PUT", "/files/{path...}", &LoopbackServer::put_file);
  route("GET", "/files/{path...}", &LoopbackServer::get_file);
  router_.add("GET", "/v1/sessions/{id}", [this](const ExchangePtr& e) {
    e->reply(info_response(e->param("id"), api::SessionState::kEnded, address_));
  });
}

bool LoopbackServer::refused(const ExchangePtr& exchange) {
  const std::string& id = exchange->param("id");
  const auto it = state_.sessions.find(id);
  if (it == state_.sessions.end()) {
    exchange->reply(Error::make(ErrorCode::kNotFound, "SessionNotFound", "no session " + id));
    return true;
  }
  const auto token = auth::bearer_token(exchange->request().headers.get("Authorization"));
  if (!auth::token_matches(token, it->second)) {
    exchange->reply(Error::make(ErrorCode::kPermissionDenied, "TokenMismatch", "not its token"));
    return true;
  }
  if (state_.end_all || state_.ended.contains(id)) {
    exchange->reply(Error::make(ErrorCode::kGone, "SessionEnded", "over"));
    return true;
  }
  return false;
}

void LoopbackServer::create(const ExchangePtr& exchange) {
  ++state_.creates;
  const auto ask = parse_json(exchange->request().body).and_then(api::CreateSession::parse);
  if (!ask) {
    exchange->reply(ask.error());
    return;
  }
  if (state_.hold_creates) {
    held_.push_back(exchange);
    return;
  }
  state_.sessions.emplace(ask->id.str(), ask->token_hash.value_or(""));
  api::SessionCreated c;
  c.id = ask->id;
  c.worker = worker(address_);
  c.recreate_token = "w-0.uid." + ask->id.str() + ".0a";
  c.heartbeat_timeout = ask->heartbeat_timeout.value_or(std::chrono::seconds(20));
  c.lease_remaining = c.heartbeat_timeout;
  c.execution_remaining = std::chrono::hours(1);
  exchange->reply_json(201, dump_json(api::to_json(c)));
}

void LoopbackServer::heartbeat(const ExchangePtr& exchange) {
  ++state_.heartbeats;
  exchange->reply(info_response(exchange->param("id"), api::SessionState::kOpen, address_));
}

void LoopbackServer::end(const ExchangePtr& exchange) {
  state_.ended.insert(exchange->param("id"));
  for (auto& [id, poll] : polls_) {
    poll->reply(Error::make(ErrorCode::kGone, "SessionEnded", "over"));
  }
  polls_.clear();
  exchange->reply_json(202, "{}");
}

void LoopbackServer::start_activity(const ExchangePtr& exchange) {
  const auto ask = parse_json(exchange->request().body).and_then(api::StartActivity::parse);
  if (!ask) {
    exchange->reply(ask.error());
    return;
  }
  ++state_.activities_started;
  api::ActivityInfo info;
  info.activity_id = ask->activity_id;
  info.type = ask->type;
  info.version = 1;
  if (ask->type == "echo") {
    info.state = api::ActivityState::kSucceeded;
    info.result = ask->input;
  } else if (ask->type == "fail") {
    info.state = api::ActivityState::kFailed;
    info.failure = api::ActivityFailure{"Broken", "as asked", false};
  }
  activities_[info.activity_id.str()] = info;
  exchange->reply_json(202, dump_json(api::to_json(info)));
}

void LoopbackServer::poll_activity(const ExchangePtr& exchange) {
  const std::string& id = exchange->param("activity");
  const auto it = activities_.find(id);
  if (it != activities_.end() && is_final(it->second.state)) {
    exchange->reply_json(200, dump_json(api::to_json(it->second)));
  } else {
    polls_[id] = exchange;
  }
}

void LoopbackServer::cancel_activity(const ExchangePtr& exchange) {
  const std::string& id = exchange->param("activity");
  api::ActivityInfo& info = activities_[id];
  info.state = api::ActivityState::kCancelled;
  info.failure = api::ActivityFailure{"Cancelled", "as asked", false};
  ++info.version;
  exchange->reply_json(202, "{}");
  if (const auto node = polls_.extract(id)) {
    node.mapped()->reply_json(200, dump_json(api::to_json(info)));
  }
}

void LoopbackServer::put_file(const ExchangePtr& exchange) {
  state_.files[exchange->param("path")] = exchange->request().body;
  exchange->reply_json(201, "{}");
}

void LoopbackServer::get_file(const ExchangePtr& exchange) {
  const auto it = state_.files.find(exchange->param("path"));
  if (it == state_.files.end()) {
    exchange->reply(Error::make(ErrorCode::kNotFound, "FileNotFound", "no such file"));
  } else {
    http::Response response = http::Response::text(200, it->second);
    response.headers.set("Content-Type", "application/octet-stream");
    exchange->reply(std::move(response));
  }
}

void LoopbackServer::list(const ExchangePtr& exchange) {
  Json sessions = Json::array();
  for (const auto& [id, hash] : state_.sessions) {
    const auto body = parse_json(info_response(id, api::SessionState::kOpen, address_).body);
    sessions.push_back(*body);
  }
  sessions.push_back({{"id", 3}});
  exchange->reply_json(200, dump_json({{"sessions", sessions}, {"unreadable", Json::array()}}));
}

}  // namespace berth::client
