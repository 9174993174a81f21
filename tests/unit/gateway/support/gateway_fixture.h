#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "berth/auth/session_token.h"
#include "gateway/gateway.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/gateway/support/fake_exchange.h"
#include "tests/unit/gateway/support/fake_workers.h"

namespace berth::gateway::testing {

inline constexpr const char* kToken = "the-callers-token";
inline constexpr const char* kPool = "default/files";

inline WorkerPod pod_of(const std::string& name, const std::string& ip,
                        const std::string& pool = "files") {
  WorkerPod pod;
  pod.ns = "default";
  pod.name = name;
  pod.pool = pool;
  pod.uid = api::WorkerUid("uid-" + name);
  pod.ip = ip;
  pod.port = 7600;
  pod.ready = true;
  return pod;
}

/// A whole gateway on a manual loop in front of fake workers; time moves only when told.
class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    EXPECT_TRUE(operators_.load_jwks(operator_jwks_));
    start({});
  }

  void start(Gateway::Settings settings) {
    gateway_.reset();
    router_ = http::Router();
    settings.replica = "gw-1";
    gateway_ = std::make_unique<Gateway>(
        Gateway::Parts{.loop = loop_,
                       .transport = net_,
                       .random = random_,
                       .metrics = metrics_,
                       .audit = audit_,
                       .authenticator = authenticator_,
                       .signer = signer_,
                       .verify_operator = [this](std::string_view token) -> Status {
                         BERTH_TRY(operators_.verify(token, {auth::Scope::kOperate}));
                         return {};
                       },
                       .keys =
                           [this] {
                             return OwnKeys{operators_.key_ids(), signer_.key_id()};
                           },
                       .log = Log()},
        settings);
    gateway_->set_caches({[this] { return synced_; },
                          [this](const std::string& ns) { return !unread_.contains(ns); }});
    gateway_->add_routes(router_);
    add_pool("files", 2);
  }

  void add_pool(const std::string& name, std::int64_t slots, api::Resources resources = {},
                api::Placement placement = api::Placement::kPacked) {
    PoolInfo info;
    info.ns = "default";
    info.name = name;
    info.sessions.max_per_worker = slots;
    info.sessions.resources = std::move(resources);
    info.placement = placement;
    gateway_->set_pool("default/" + name, std::make_shared<const PoolInfo>(info));
  }

  /// A worker that is up, ready and read.
  FakeWorker& add_worker(const std::string& name, std::int64_t slots = 2, api::Resources more = {},
                         const std::string& pool = "files") {
    more[api::kSlot] = slots;
    const WorkerPod pod = pod_of(name, "10.0.0." + std::to_string(++last_ip_), pool);
    FakeWorker& worker = net_.add(pod, more, jwks_);
    gateway_->set_pod(pod);
    loop_.run_ready();
    return worker;
  }

  std::shared_ptr<FakeExchange> call(std::string method, std::string target, std::string body = "",
                                     const std::string& token = kToken) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    if (!token.empty()) {
      request.headers.add("Authorization", "Bearer " + token);
    }
    auto exchange = FakeExchange::run(router_, std::move(request));
    loop_.run_ready();
    return exchange;
  }
  /// With a token of the caller's own unless `more` says otherwise.
  std::shared_ptr<FakeExchange> create(const std::string& id, Json more = Json::object(),
                                       const std::string& pool = "files") {
    if (!id.empty()) {
      more["id"] = id;
    }
    if (!more.contains("tokenHash")) {
      more["tokenHash"] = auth::sha256_hex("token of " + id);
    }
    if (more["tokenHash"].is_null()) {
      more.erase("tokenHash");
    }
    return call("POST", "/v1/namespaces/default/pools/" + pool + "/sessions", dump_json(more));
  }
  static std::string worker_of(const std::shared_ptr<FakeExchange>& exchange) {
    return string_at(exchange->body(), {"worker", "name"});
  }
  std::size_t waiting() const {
    const WaitingLine* line = gateway_->creator().line(kPool);
    return line == nullptr ? 0 : line->size();
  }
  void end_session(const std::string& worker, const std::string& id) {
    net_.worker(worker).end(id);
    net_.tell_news();
    loop_.run_ready();
  }
  std::string operator_token() { return operator_signer_.token("berth-gateway"); }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  FakeWorkers net_{loop_};
  Metrics metrics_;
  Log audit_;
  TokenFileAuthenticator authenticator_{kToken, "dev"};
  bool synced_ = true;
  std::set<std::string> unread_;

  auth::SigningKey key_ = *auth::SigningKey::generate(auth::Scope::kCreate, random_);
  std::string jwks_ = auth::make_jwks({&key_});
  auth::TokenSigner signer_{std::move(key_), "gateway/gw-1", loop_.clock()};
  auth::SigningKey operator_key_ = *auth::SigningKey::generate(auth::Scope::kOperate, random_);
  std::string operator_jwks_ = auth::make_jwks({&operator_key_});
  auth::TokenSigner operator_signer_{std::move(operator_key_), "operator", loop_.clock()};
  auth::KeySet operators_{"berth-gateway", loop_.clock()};

  http::Router router_;
  std::unique_ptr<Gateway> gateway_;
  int last_ip_ = 0;
};

}  // namespace berth::gateway::testing
