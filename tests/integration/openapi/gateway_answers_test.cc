#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/openapi/document.h"
#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::seconds;

class GatewayAnswersTest : public GatewayTest {
 protected:
  GatewayAnswersTest() {
    Gateway::Settings settings;
    settings.ui.emplace();
    start(settings);
  }

  /// Holds the answer against the document and tells "201" or "404 UnknownPool".
  std::string judge(const std::string& method, const std::string& target,
                    const std::shared_ptr<FakeExchange>& exchange) {
    if (!exchange->answered()) {
      return "waiting";
    }
    const http::Response& answer = *exchange->answer();
    const std::string path = document_.path_of(target);
    for (const std::string& problem :
         document_.check_answer(method, path, answer.status,
                                std::string(answer.headers.get("Content-Type")), answer.body)) {
      ADD_FAILURE() << method << " " << target << " " << answer.status << ": " << problem << "\n"
                    << answer.body;
    }
    return std::to_string(answer.status) +
           (answer.status >= 400 ? " " + exchange->code() : std::string());
  }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& body = "", const std::string& token = kToken) {
    return judge(method, target, call(method, target, body, token));
  }
  std::string open(const std::string& id, Json more = Json::object(),
                   const std::string& pool = "files") {
    const auto exchange = create(id, std::move(more), pool);
    // A session's opening is told in the worker's words, here a fake one's: see the worker's test.
    return exchange->answered() && exchange->status() < 300 ? std::to_string(exchange->status())
                                                            : judge("POST", kSessions, exchange);
  }

  static constexpr const char* kSessions = "/v1/namespaces/default/pools/files/sessions";
  openapi::Document document_{BERTH_SOURCE_DIR "/docs/openapi.yaml"};
};

TEST_F(GatewayAnswersTest, Creates) {
  add_worker("w1", 1);
  EXPECT_EQ(open("s1"), "201");
  EXPECT_EQ(open("s1"), "200");
  EXPECT_EQ(open("s0", {}, "none"), "404 UnknownPool");
  EXPECT_EQ(open("S"), "400 InvalidArgument");
  EXPECT_EQ(open("s2", {{"resources", {{"gpu", 1}}}}), "400 InvalidArgument");
  EXPECT_EQ(open("s2", {{"recreateToken", "w9.uid-w9.s0.ab"}}), "410 WorkerGone");
  EXPECT_EQ(ask("POST", kSessions, "{"), "400 InvalidArgument");
  EXPECT_EQ(ask("POST", kSessions, "{}", ""), "401 NoToken");
  EXPECT_EQ(ask("POST", kSessions, "{}", "another-token-entirely"), "401 InvalidToken");
}

TEST_F(GatewayAnswersTest, CallersThatWait) {
  const auto first = create("s1", {{"creationTimeout", "1m"}});
  EXPECT_EQ(judge("POST", kSessions, first), "waiting");
  EXPECT_EQ(judge("POST", kSessions, create("s1", {{"tokenHash", std::string(64, '0')}})),
            "409 IdInUse");
  const auto second = create("s1", {{"creationTimeout", "1m"}});
  EXPECT_EQ(judge("POST", kSessions, first), "409 Superseded");
  loop_.advance(seconds(25));
  EXPECT_EQ(judge("POST", kSessions, second), "503 StillWaiting");
  EXPECT_EQ(get_string(second->body(), "id"), "s1");
  const auto brief = create("s2", {{"creationTimeout", "2s"}});
  loop_.advance(seconds(2));
  EXPECT_EQ(judge("POST", kSessions, brief), "504 CreationTimeout");
}

TEST_F(GatewayAnswersTest, GatewaysThatStartOrStop) {
  synced_ = false;
  EXPECT_EQ(open("s1"), "503 Starting");
  EXPECT_EQ(ask("GET", kSessions), "503 Starting");
  EXPECT_EQ(ask("GET", "/v1/pools"), "503 Starting");
  EXPECT_EQ(ask("GET", "/v1/demand?namespace=default&pool=files"), "503 Starting");
  EXPECT_EQ(ask("GET", "/v1/namespaces/default/pools/files/workers/w1/sessions/s1"),
            "503 Starting");
  synced_ = true;
  gateway_->shut_down(seconds(1), [] {});
  EXPECT_EQ(open("s1"), "503 ShuttingDown");
}

TEST_F(GatewayAnswersTest, PoolsWithAndWithoutTheirWorkers) {
  add_worker("w1", 2, {{"gpu", 1}});
  add_worker("w2", 2);
  net_.worker("w2").set_state(api::WorkerState::kCordoned);
  net_.tell_news();
  loop_.run_ready();
  EXPECT_EQ(open("s1"), "201");
  EXPECT_EQ(ask("GET", "/v1/pools"), "200");
  EXPECT_EQ(ask("GET", "/v1/pools?namespace=default&members=true"), "200");
  EXPECT_EQ(ask("GET", "/v1/pools?members=all"), "400 InvalidArgument");
  EXPECT_EQ(ask("GET", "/v1/pools", "", ""), "401 NoToken");
}

TEST_F(GatewayAnswersTest, Demand) {
  create("s1");
  const std::string target = "/v1/demand?namespace=default&pool=files";
  EXPECT_EQ(ask("GET", target, "", operator_token()), "200");
  EXPECT_EQ(ask("GET", target + "&wait=61", "", operator_token()), "400 InvalidArgument");
  EXPECT_EQ(ask("GET", "/v1/demand", "", operator_token()), "400 InvalidArgument");
  EXPECT_EQ(ask("GET", target, "", ""), "401 InvalidToken");
  EXPECT_EQ(ask("GET", target, "", operator_signer_.token("uid-w1")), "401 WrongAudience");
}

TEST_F(GatewayAnswersTest, Keys) {
  EXPECT_EQ(ask("GET", "/v1/keys", "", operator_token()), "200");
  EXPECT_EQ(ask("GET", "/v1/keys?wait=61", "", operator_token()), "400 InvalidArgument");
  EXPECT_EQ(ask("GET", "/v1/keys", "", ""), "401 InvalidToken");
  EXPECT_EQ(ask("GET", "/v1/keys", "", operator_signer_.token("uid-w1")), "401 WrongAudience");
}

TEST_F(GatewayAnswersTest, Lists) {
  add_worker("w1");
  net_.worker("w1").reachable = false;
  EXPECT_EQ(ask("GET", kSessions), "200");
  EXPECT_EQ(ask("GET", "/v1/namespaces/default/pools/none/sessions"), "404 UnknownPool");
  EXPECT_EQ(ask("GET", kSessions, "", ""), "401 NoToken");
}

TEST_F(GatewayAnswersTest, CallsThatCannotBePassedOn) {
  const std::string workers = "/v1/namespaces/default/pools/files/workers/";
  EXPECT_EQ(ask("GET", workers + "w1/sessions/s1"), "410 WorkerGone");
  add_worker("w1");
  EXPECT_EQ(ask("DELETE", workers + "w1/sessions/s1/../s2"), "400 InvalidArgument");
  WorkerPod pod = pod_of("w2", "");
  gateway_->set_pod(pod);
  EXPECT_EQ(ask("POST", workers + "w2/sessions/s1/heartbeat"), "503 WorkerUnreachable");
}

TEST_F(GatewayAnswersTest, LiveEvents) {
  FakeWorker& worker = add_worker("w1", 1, {{"gpu", 2}});
  EXPECT_EQ(open("s1"), "201");
  (void)create("s2");  // waits
  EXPECT_EQ(ask("GET", "/ui/events", "", ""), "401 NoToken");
  synced_ = false;
  EXPECT_EQ(ask("GET", "/ui/events"), "503 Starting");
  synced_ = true;
  const auto first = call("GET", "/ui/events");
  EXPECT_EQ(judge("GET", "/ui/events", first), "200");
  worker.reachable = false;  // so that there are news
  net_.tell_news();
  loop_.advance(seconds(6));
  PoolInfo info;
  info.ns = "default";
  info.name = "files";
  info.fixed_workers = 2;
  info.status.desired = 2;
  info.status.conditions = {{"Ready", true, "SlotsFree", "a sentence"}};
  info.status.last_scale = {"2026-01-02T03:04:05Z", 1, 2, "because"};
  gateway_->set_pool(kPool, std::make_shared<const PoolInfo>(info));

  const auto second = call("GET", "/ui/events");
  std::string text;
  second->answer()->body_source->next([&](Result<std::string> chunk) { text = chunk.value(); });
  loop_.run_ready();
  const std::string begin = "event: snapshot\ndata: ";
  ASSERT_EQ(text.rfind(begin, 0), 0U) << text;
  const Json snapshot = Json::parse(text.substr(begin.size()));
  const openapi::SchemaChecker checker(document_.json());
  const Json& schema = document_.json()["components"]["schemas"]["LiveSnapshot"];
  EXPECT_THAT(checker.check(snapshot, schema), ::testing::IsEmpty());
  const Json& pool = snapshot["pools"][kPool];
  for (const char* list : {"news", "decisions", "samples", "conditions", "workers"}) {
    EXPECT_FALSE(pool[list].empty()) << list << " has not been held against the document";
  }
  EXPECT_FALSE(pool["waiting"]["first"].empty());
  EXPECT_TRUE(pool["workers"]["w1"].contains("resources"));

  std::vector<std::shared_ptr<FakeExchange>> many;
  while (many.size() < 100 && (many.empty() || many.back()->status() == 200)) {
    many.push_back(call("GET", "/ui/events"));
  }
  EXPECT_EQ(judge("GET", "/ui/events", many.back()), "429 TooManyStreams");
}

TEST_F(GatewayAnswersTest, ServesTheDocumentedMethodsOfEachPathAndNoOther) {
  gateway_->add_probe_routes(router_);
  for (const auto& [path, methods] : document_.methods()) {
    const bool ours = path.starts_with("/v1/namespaces") || path == "/v1/pools" ||
                      path == "/v1/demand" || path == "/v1/keys" ||
                      (!path.starts_with("/v1/") && path != "/drained");
    for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) {
      EXPECT_EQ(router_.match(method, path).handler != nullptr, ours && methods.contains(method))
          << method << " " << path;
    }
  }
}

}  // namespace
}  // namespace berth::gateway::testing
