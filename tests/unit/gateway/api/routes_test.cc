#include <fstream>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RoutesTest : public GatewayTest {
 protected:
  std::shared_ptr<FakeExchange> demand(const std::string& more = "") {
    return call("GET", "/v1/demand?namespace=default&pool=files" + more, "", operator_token());
  }
  static std::string version(const std::shared_ptr<FakeExchange>& exchange) {
    return std::to_string(get_int(exchange->body(), "version").value_or(-1));
  }
};

TEST_F(RoutesTest, SessionsAndListsNeedTheToken) {
  const std::string sessions = "/v1/namespaces/default/pools/files/sessions";
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"POST", sessions}, {"GET", sessions}, {"GET", "/v1/pools"}}) {
    EXPECT_EQ(call(method, target, "{}", "")->status(), 401) << method << target;
    EXPECT_EQ(call(method, target, "{}", "the-callers-tokem")->code(), "InvalidToken");
    EXPECT_EQ(call(method, target, "{}", operator_token())->status(), 401);
  }
}

TEST_F(RoutesTest, NothingIsAnsweredBeforeTheCachesAreFilled) {
  synced_ = false;
  EXPECT_EQ(create("s1")->code(), "Starting");
  EXPECT_EQ(call("GET", "/v1/pools")->status(), 503);
  EXPECT_EQ(call("GET", "/v1/namespaces/default/pools/files/workers/w1/sessions/s1")->code(),
            "Starting")
      << "an unknown pod means nothing yet";
  synced_ = true;
  EXPECT_EQ(call("GET", "/v1/pools")->status(), 200);
}

TEST_F(RoutesTest, ANamespaceThatMayNotBeReadIsNotTakenForAnEmptyOne) {
  unread_ = {"locked"};
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"POST", "/v1/namespaces/locked/pools/files/sessions"},
           {"GET", "/v1/namespaces/locked/pools/files/sessions"},
           {"GET", "/v1/namespaces/locked/pools/files/workers/w1/sessions/s1"},
           {"GET", "/v1/pools?namespace=locked"}}) {
    const auto answer = call(method, target, "{}");
    EXPECT_EQ(answer->status(), 503) << method << target;
    EXPECT_EQ(answer->code(), "NamespaceNotRead") << method << target;
  }
  EXPECT_EQ(call("GET", "/v1/demand?namespace=locked&pool=files", "", operator_token())->code(),
            "NamespaceNotRead")
      << "no data, no decision";
  add_worker("files-0");
  EXPECT_EQ(create("s1")->status(), 201) << "the others are served";
  EXPECT_EQ(call("GET", "/v1/pools")->status(), 200);
}

TEST_F(RoutesTest, DemandIsForTheOperatorOnly) {
  const std::string target = "/v1/demand?namespace=default&pool=files";
  EXPECT_EQ(call("GET", target, "", "")->status(), 401);
  EXPECT_EQ(call("GET", target, "", kToken)->status(), 401);
  EXPECT_EQ(call("GET", target, "", signer_.token("berth-gateway"))->status(), 401)
      << "signed with a key that may not operate";
  EXPECT_EQ(call("GET", target, "", operator_signer_.token("uid-w1"))->status(), 401)
      << "made out to a worker";
  EXPECT_EQ(demand()->status(), 200);
}

TEST_F(RoutesTest, DemandListsIdsShapesAndAges) {
  add_pool("files", 2, {{"gpu", 1}});
  create("s1");
  loop_.advance(seconds(3));
  create("s2", {{"resources", {{"gpu", 1}}}})->client_leaves();
  const Json body = demand()->body();
  EXPECT_EQ(get_string(body, "replica"), "gw-1");
  const auto parsed = api::Demand::parse(body);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->waiting_total, 2);
  ASSERT_EQ(parsed->waiting.size(), 2U);
  EXPECT_EQ(parsed->waiting[0].id.str(), "s1");
  EXPECT_EQ(parsed->waiting[0].age, seconds(3));
  EXPECT_EQ(parsed->waiting[1].id.str(), "s2") << "a place that is kept is demand";
  EXPECT_EQ(parsed->waiting[1].resources, (api::Resources{{api::kSlot, 1}, {"gpu", 1}}));
}

TEST_F(RoutesTest, DemandPollsHearOfTheFirstWaitingOneAtOnce) {
  const auto poll = demand("&wait=25&replica=gw-1&after=" + version(demand()));
  EXPECT_FALSE(poll->answered());
  create("s1");
  EXPECT_EQ(get_int(poll->body(), "waitingTotal"), 1);
}

TEST_F(RoutesTest, DemandPollsOfAnotherReplicaOrVersionAreAnsweredAtOnce) {
  const std::string now = version(demand());
  EXPECT_TRUE(demand("&wait=25&replica=gw-0&after=" + now)->answered());
  EXPECT_TRUE(demand("&wait=25&after=7")->answered());
  EXPECT_TRUE(demand("&wait=0&after=" + now)->answered());
}

TEST_F(RoutesTest, DemandPollsWithoutNewsEndAfterTheirWait) {
  const auto poll = demand("&wait=5&after=" + version(demand()));
  loop_.advance(seconds(5) - milliseconds(1));
  EXPECT_FALSE(poll->answered());
  loop_.advance(milliseconds(1));
  EXPECT_EQ(poll->status(), 200);
}

TEST_F(RoutesTest, ADemandPollWhoseClientLeftIsDropped) {
  const auto poll = demand("&wait=25&after=" + version(demand()));
  const std::size_t timers = loop_.timers();
  poll->client_leaves();
  EXPECT_EQ(loop_.timers(), timers - 1);
}

TEST_F(RoutesTest, KeysAreForTheOperatorAndTellWhatIsAcceptedAndWhatSigns) {
  EXPECT_EQ(call("GET", "/v1/keys", "", kToken)->status(), 401);
  const auto answer = call("GET", "/v1/keys", "", operator_token());
  ASSERT_EQ(answer->status(), 200);
  const auto parsed = api::GatewayKeys::parse(answer->body());
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->replica, "gw-1");
  EXPECT_EQ(parsed->signing, signer_.key_id());
  const std::set<std::string> told(parsed->keys.begin(), parsed->keys.end());
  EXPECT_EQ(told, operators_.key_ids());
}

TEST_F(RoutesTest, AKeysPollHearsOfAChangeAtOnce) {
  const auto version = get_int(call("GET", "/v1/keys", "", operator_token())->body(), "version");
  const auto poll =
      call("GET", "/v1/keys?wait=25&replica=gw-1&after=" + std::to_string(version.value()), "",
           operator_token());
  EXPECT_FALSE(poll->answered());
  gateway_->keys_changed();
  loop_.run_ready();
  ASSERT_TRUE(poll->answered());
  EXPECT_GT(get_int(poll->body(), "version"), version);
}

TEST_F(RoutesTest, BadDemandQueriesNameTheParameter) {
  EXPECT_EQ(get_string(demand("&wait=61")->body(), "field"), "wait");
  EXPECT_EQ(get_string(demand("&after=x")->body(), "field"), "after");
  const auto no_pool = call("GET", "/v1/demand?namespace=default", "", operator_token());
  EXPECT_EQ(get_string(no_pool->body(), "field"), "pool");
}

TEST_F(RoutesTest, PoolsShowWorkersAndSlots) {
  add_worker("w1", 2);
  add_worker("w2", 2);
  net_.worker("w2").reachable = false;
  net_.tell_news();
  create("s1");
  loop_.advance(milliseconds(100));
  const Json body = call("GET", "/v1/pools?namespace=default")->body();
  ASSERT_EQ(body.at("pools").size(), 1U);
  const Json& pool = body.at("pools")[0];
  EXPECT_EQ(pool.at("name"), "files");
  EXPECT_EQ(pool.at("waiting"), 0);
  EXPECT_EQ(pool.at("workers"), Json::parse(R"({"total":2,"ready":2,"unreadable":1})"));
  EXPECT_EQ(pool.at("slots"), Json::parse(R"({"capacity":4,"used":1,"free":1})"));
  EXPECT_TRUE(call("GET", "/v1/pools?namespace=other")->body().at("pools").empty());
}

TEST_F(RoutesTest, MembersOfAPoolAreNamedWithTheirStateWhenAskedFor) {
  add_worker("cordoned");
  net_.worker("cordoned").set_state(api::WorkerState::kCordoned);
  add_worker("leaving");
  WorkerPod leaving = net_.worker("leaving").pod;
  leaving.deleting = true;
  gateway_->set_pod(leaving);
  WorkerPod starting = pod_of("starting", "");
  starting.ready = false;
  gateway_->set_pod(starting);
  add_worker("unheard");
  net_.worker("unheard").reachable = false;
  net_.tell_news();
  loop_.run_ready();
  EXPECT_FALSE(call("GET", "/v1/pools")->body().at("pools")[0].contains("members"));
  std::map<std::string, std::string> states;
  const Json body = call("GET", "/v1/pools?members=true")->body();
  for (const Json& worker : body.at("pools")[0].at("members")) {
    states[worker.at("name")] = worker.at("state");
  }
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"cordoned", "Cordoned"},
                                                        {"leaving", "Terminating"},
                                                        {"starting", "Starting"},
                                                        {"unheard", "Unreadable"}}));
  const Json& cordoned = body.at("pools")[0].at("members")[0];
  EXPECT_EQ(cordoned.at("capacity"), Json::parse(R"({"session":2})"));
  EXPECT_EQ(cordoned.at("used"), Json::parse(R"({"session":0})"));
}

TEST_F(RoutesTest, MembersIsTrueOrFalseAndNothingElse) {
  EXPECT_EQ(call("GET", "/v1/pools?members=false")->status(), 200);
  for (const char* bad : {"yes", "1", "", "%ff", "%f"}) {
    const auto answer = call("GET", std::string("/v1/pools?members=") + bad);
    EXPECT_EQ(answer->status(), 400) << bad;
    EXPECT_EQ(answer->body().at("field"), "members") << bad;
  }
}

TEST_F(RoutesTest, AListIsTheUnionAndNamesWorkersThatDidNotAnswer) {
  add_worker("w1", 1);
  add_worker("w2", 1);
  add_worker("w3", 1);
  create("s1");
  create("s2");
  net_.worker("w3").reachable = false;
  const Json body = call("GET", "/v1/namespaces/default/pools/files/sessions")->body();
  EXPECT_EQ(body.at("sessions").size(), 2U);
  ASSERT_EQ(body.at("unreadable").size(), 1U);
  EXPECT_EQ(body.at("unreadable")[0].at("worker"), "w3");
  EXPECT_EQ(body.at("truncated"), false);
}

TEST_F(RoutesTest, AListAsksOnlySoManyWorkersAtOnce) {
  Gateway::Settings settings;
  settings.list.concurrency = 2;
  start(settings);
  for (int i = 0; i < 5; ++i) {
    add_worker("w" + std::to_string(i));
  }
  net_.hold("GET");
  const std::size_t polls = net_.open_calls();
  const auto list = call("GET", "/v1/namespaces/default/pools/files/sessions");
  EXPECT_EQ(net_.open_calls(), polls + 2);
  list->client_leaves();
  EXPECT_EQ(net_.open_calls(), polls) << "nobody is asked for a client that left";
}

TEST_F(RoutesTest, AListOfAnUnknownPoolIs404) {
  EXPECT_EQ(call("GET", "/v1/namespaces/default/pools/nope/sessions")->code(), "UnknownPool");
}

TEST_F(RoutesTest, ProbesSayWhetherWeAreReady) {
  http::Router probes;
  gateway_->add_probe_routes(probes);
  const auto status = [&](const char* path) {
    http::Request request;
    request.method = "GET";
    request.target = path;
    return FakeExchange::run(probes, request)->status();
  };
  EXPECT_EQ(status("/readyz"), 200);
  EXPECT_EQ(status("/metrics"), 200);
  synced_ = false;
  EXPECT_EQ(status("/readyz"), 503);
  EXPECT_EQ(status("/healthz"), 200);
  synced_ = true;
  gateway_->shut_down(seconds(1), [] {});
  EXPECT_EQ(status("/readyz"), 503);
}

TEST(TokenFile, ShortOrMissingTokensAreRefusedAtStart) {
  const fakes::TempDir directory;
  const auto path = directory.path() / "gateway-token";
  EXPECT_FALSE(TokenFileAuthenticator::load(path.string() + "-missing", "dev"));
  std::ofstream(path) << "short\n";
  const auto refused = TokenFileAuthenticator::load(path, "dev");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "--token-file");
  std::ofstream(path) << "long-enough-to-be-a-token\n";
  EXPECT_TRUE(TokenFileAuthenticator::load(path, "dev"));
}

}  // namespace
}  // namespace berth::gateway::testing
