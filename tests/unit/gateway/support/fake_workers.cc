#include "tests/unit/gateway/support/fake_workers.h"

#include <algorithm>
#include <utility>

#include "berth/auth/owner_key.h"
#include "berth/auth/session_token.h"
#include "berth/http/server.h"

namespace berth::gateway::testing {
namespace {

Error lost() {
  return Error::make(ErrorCode::kUnavailable, "ConnectionLost", "the connection was lost");
}

http::Response refuse(ErrorCode code, std::string reason) {
  return http::error_response(Error::make(code, std::move(reason), "refused"));
}

}  // namespace

FakeWorker::FakeWorker(WorkerPod p, api::Resources c, const std::string& jwks, const Clock& clock)
    : pod(std::move(p)), capacity(std::move(c)), jwks_(jwks), clock_(clock) {
  address_taken_by(pod.uid.str());
}

void FakeWorker::address_taken_by(const std::string& uid) {
  keys_ = std::make_unique<auth::KeySet>(uid, clock_);
  (void)keys_->load_jwks(jwks_);
}

api::Slots FakeWorker::slots() const {
  api::Slots out;
  out.incarnation = api::Incarnation(incarnation);
  out.version = version_;
  out.state = state_;
  out.capacity = capacity;
  for (const auto& [name, _] : capacity) {
    out.used[name] = 0;
  }
  for (const auto& [_, session] : sessions) {
    api::add_to(out.used, session.resources);
    if (tells_owners) {
      ++out.owners[auth::owner_key(session.owner)];
    }
  }
  out.sessions = static_cast<std::int64_t>(sessions.size());
  return out;
}

void FakeWorker::end(const std::string& id) {
  if (sessions.erase(id) > 0) {
    changed();
  }
}

void FakeWorker::set_state(api::WorkerState state) {
  state_ = state;
  changed();
}

std::optional<http::Response> FakeWorker::handle(const http::Request& request) {
  const auto token = auth::bearer_token(request.headers.get("Authorization"));
  if (auto claims = keys_->verify(token, {auth::Scope::kCreate}); !claims) {
    return http::error_response(claims.error());
  }
  const std::string path(request.path());
  if (request.method == "GET" && path == "/v1/slots") {
    const bool known = request.query("incarnation") == incarnation &&
                       request.query("after") == std::to_string(version_);
    if (known) {
      return std::nullopt;
    }
    return http::Response::json(200, dump_json(to_json(slots())));
  }
  if (request.method == "GET" && path == "/v1/sessions") {
    Json list = Json::array();
    for (const auto& [id, session] : sessions) {
      list.push_back({{"id", id}, {"owner", session.owner}});
    }
    Json body = {{"sessions", std::move(list)}};
    return http::Response::json(200, dump_json(body));
  }
  if (request.method == "POST" && path == "/v1/sessions") {
    return create(request);
  }
  if (request.method == "DELETE" && path.starts_with("/v1/sessions/")) {
    return give_back(path.substr(13), request.query("attempt").value_or(""));
  }
  return refuse(ErrorCode::kNotFound, "NotFound");
}

http::Response FakeWorker::create(const http::Request& request) {
  const auto body = parse_json(request.body);
  auto ask = body ? api::CreateSession::parse(*body) : fail(body.error());
  if (!ask) {
    return http::error_response(ask.error());
  }
  const std::string id = ask->id.str();
  const Json answer = {{"id", id}, {"worker", {{"name", pod.name}}}};
  if (const auto it = sessions.find(id); it != sessions.end()) {
    if (!ask->token_hash || ask->token_hash != it->second.token_hash) {
      return refuse(ErrorCode::kAlreadyExists, "SessionIdTaken");
    }
    it->second.attempts.insert(ask->attempt);
    return http::Response::json(200, dump_json(answer));
  }
  if (state_ != api::WorkerState::kActive) {
    return refuse(ErrorCode::kUnavailable, "Cordoned");
  }
  const auto owners = slots().owners;
  const auto has = owners.find(auth::owner_key(ask->owner));
  if (has != owners.end() && has->second >= max_per_owner) {
    return refuse(ErrorCode::kResourceExhausted, "OwnerLimit");
  }
  api::Resources asked = ask->resources;
  asked[api::kSlot] = 1;
  if (!api::fits(capacity, slots().used, asked)) {
    ++refusals;
    return refuse(ErrorCode::kResourceExhausted, "NoFreeSlot");
  }
  sessions[id] = {ask->token_hash, {ask->attempt}, asked, false, ask->owner};
  most_sessions = std::max(most_sessions, sessions.size());
  changed();
  return http::Response::json(201, dump_json(answer));
}

http::Response FakeWorker::give_back(const std::string& id, const std::string& attempt) {
  const auto it = sessions.find(id);
  if (it == sessions.end()) {
    return refuse(ErrorCode::kNotFound, "SessionNotFound");
  }
  std::set<std::string>& attempts = it->second.attempts;
  if (it->second.used || attempts.erase(attempt) == 0 || !attempts.empty()) {
    return refuse(ErrorCode::kConflict, "SessionClaimed");
  }
  end(id);
  return http::Response::json(202, "{}");
}

FakeWorker& FakeWorkers::add(WorkerPod pod, api::Resources capacity, const std::string& jwks) {
  const std::string name = pod.name;
  auto worker =
      std::make_unique<FakeWorker>(std::move(pod), std::move(capacity), jwks, loop_.clock());
  return *(workers_[name] = std::move(worker));
}

FakeWorker* FakeWorkers::at(const std::string& origin) {
  for (const auto& [_, worker] : workers_) {
    if (worker->pod.origin() == origin && worker->reachable) {
      return worker.get();
    }
  }
  return nullptr;
}

Cancel FakeWorkers::send(const std::string& origin, http::Request request,
                         const http::CallOptions& options, DoneFn done) {
  const std::uint64_t number = ++last_;
  ++sent_[request.method];
  const bool holding = holding_.contains(request.method);
  Call& call = calls_[number];
  call = {number, origin, std::move(request), options, std::move(done), {}, false};
  call.deadline = loop_.call_after(options.deadline, [this, number] {
    answer(number, fail(Error::make(ErrorCode::kDeadlineExceeded, "", "no answer in time")));
  });
  if (!holding) {
    loop_.post([this, number] { arrive(number); });
  }
  return Cancel([this, number] { const auto dropped = calls_.extract(number); });
}

void FakeWorkers::arrive(std::uint64_t number) {
  const auto it = calls_.find(number);
  if (it == calls_.end()) {
    return;
  }
  FakeWorker* worker = at(it->second.origin);
  if (worker == nullptr) {
    answer(number, fail(Error::make(ErrorCode::kUnavailable, "ConnectFailed", "refused")));
    return;
  }
  auto response = worker->handle(it->second.request);
  if (response) {
    answer(number, *std::move(response));
  } else {
    it->second.waiting_for_news = true;
  }
  tell_news();
}

void FakeWorkers::tell_news() {
  std::vector<std::uint64_t> polls;
  for (const auto& [number, call] : calls_) {
    if (call.waiting_for_news) {
      polls.push_back(number);
    }
  }
  for (const std::uint64_t number : polls) {
    const auto it = calls_.find(number);
    if (it == calls_.end()) {
      continue;
    }
    FakeWorker* worker = at(it->second.origin);
    if (worker == nullptr) {
      answer(number, fail(lost()));
    } else if (auto response = worker->handle(it->second.request)) {
      answer(number, *std::move(response));
    }
  }
}

void FakeWorkers::answer(std::uint64_t number, Result<http::Response> result) {
  loop_.post([this, number, result = std::move(result)]() mutable {
    auto node = calls_.extract(number);
    if (!node.empty()) {
      node.mapped().done(std::move(result));
    }
  });
}

std::vector<std::uint64_t> FakeWorkers::held(const std::string& method) const {
  std::vector<std::uint64_t> out;
  for (const auto& [number, call] : calls_) {
    if (call.request.method == method && !call.waiting_for_news) {
      out.push_back(number);
    }
  }
  return out;
}

void FakeWorkers::carry_out(std::uint64_t number) {
  arrive(number);
}

void FakeWorkers::carry_out_and_lose(std::uint64_t number) {
  const auto it = calls_.find(number);
  if (FakeWorker* worker = at(it->second.origin)) {
    (void)worker->handle(it->second.request);
  }
  answer(number, fail(lost()));
  tell_news();
}

void FakeWorkers::lose(std::uint64_t number) {
  answer(number, fail(lost()));
}

int FakeWorkers::sent(const std::string& method) const {
  const auto it = sent_.find(method);
  return it == sent_.end() ? 0 : it->second;
}

}  // namespace berth::gateway::testing
