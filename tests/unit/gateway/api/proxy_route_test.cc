#include "gateway/api/proxy_route.h"

#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::seconds;

constexpr const char* kSession = "/v1/namespaces/default/pools/files/workers/w1/sessions/s1";

/// A body that the test feeds.
class ManualSource final : public http::BodySource {
 public:
  void next(ChunkFn fn) override { fn_ = std::move(fn); }
  void give(std::string chunk) { std::exchange(fn_, nullptr)(std::move(chunk)); }
  bool wanted() const { return fn_ != nullptr; }

 private:
  ChunkFn fn_;
};

class ProxyRouteTest : public GatewayTest {
 protected:
  ProxyRouteTest() {
    add_worker("w1");
    for (const char* method : {"GET", "PUT", "POST", "DELETE"}) {
      net_.hold(method);
    }
  }
  /// The one call under way to `method`, slots polls aside.
  const FakeWorkers::Call& passed(const std::string& method) {
    const auto held = net_.held(method);
    EXPECT_EQ(held.size(), 1U);
    return net_.call(held.at(0));
  }
};

TEST_F(ProxyRouteTest, PassesPathQueryBodyAndTheCallersCredentials) {
  const auto exchange =
      call("DELETE", std::string(kSession) + "?keepFor=5m", "body", "session-token");
  const auto& sent = passed("DELETE");
  EXPECT_EQ(sent.origin, "http://10.0.0.1:7600");
  EXPECT_EQ(sent.request.target, "/v1/sessions/s1?keepFor=5m");
  EXPECT_EQ(sent.request.body, "body");
  EXPECT_EQ(sent.request.headers.get("Authorization"), "Bearer session-token");
  net_.answer(sent.number, http::Response::json(202, "{\"state\":\"Ending\"}"));
  loop_.run_ready();
  EXPECT_EQ(exchange->status(), 202);
  EXPECT_EQ(get_string(exchange->body(), "state"), "Ending");
}

TEST_F(ProxyRouteTest, AddsNoCredentialsOfItsOwn) {
  call("GET", kSession, "", "");
  EXPECT_FALSE(passed("GET").request.headers.has("Authorization"));
}

TEST_F(ProxyRouteTest, KeepsEncodedPartsAsTheyAre) {
  call("GET", std::string(kSession) + "/files/a%20b/c%3Fd?x=%2F");
  EXPECT_EQ(passed("GET").request.target, "/v1/sessions/s1/files/a%20b/c%3Fd?x=%2F");
}

TEST_F(ProxyRouteTest, TheSessionsOwnDirectoryIsListed) {
  call("GET", std::string(kSession) + "/files/?x=1");
  EXPECT_EQ(passed("GET").request.target, "/v1/sessions/s1/files/?x=1");
}

TEST_F(ProxyRouteTest, PathsThatLeaveTheSessionsAreRefused) {
  for (const char* rest : {"/../retire", "/%2e%2e/retire", "/./x", "//x", "/files/a%2Fb", "/",
                           "/files/a/", "/files//", "/activities/files/", "/../files/"}) {
    EXPECT_EQ(call("GET", std::string(kSession) + rest)->status(), 400) << rest;
  }
  EXPECT_EQ(
      call("POST", "/v1/namespaces/default/pools/files/workers/w1/sessions/../../retire")->status(),
      400);
  EXPECT_TRUE(net_.held("POST").empty());
}

TEST_F(ProxyRouteTest, ReachesOnlyPodsOfThatPool) {
  add_pool("other", 1);
  EXPECT_EQ(call("GET", "/v1/namespaces/default/pools/other/workers/w1/sessions/s1")->code(),
            "WorkerGone");
  EXPECT_EQ(call("GET", "/v1/namespaces/elsewhere/pools/files/workers/w1/sessions/s1")->code(),
            "WorkerGone");
  EXPECT_TRUE(net_.held("GET").empty());
}

TEST_F(ProxyRouteTest, AnUnknownOrFinishedPodIs410) {
  EXPECT_EQ(call("GET", "/v1/namespaces/default/pools/files/workers/w9/sessions/s1")->status(),
            410);
  WorkerPod finished = pod_of("w1", "10.0.0.1");
  finished.finished = true;
  gateway_->set_pod(finished);
  EXPECT_EQ(call("GET", kSession)->status(), 410);
}

TEST_F(ProxyRouteTest, NotReadyAndTerminatingPodsAreReached) {
  WorkerPod pod = pod_of("w1", "10.0.0.1");
  pod.ready = false;
  pod.deleting = true;
  gateway_->set_pod(pod);
  const auto exchange = call("GET", kSession);
  net_.answer(passed("GET").number, http::Response::json(200, "{}"));
  loop_.run_ready();
  EXPECT_EQ(exchange->status(), 200);
}

TEST_F(ProxyRouteTest, HopByHopHeadersStayBehind) {
  const http::Headers out = end_to_end({{"Connection", "close, X-Secret"},
                                        {"X-Secret", "1"},
                                        {"Keep-Alive", "x"},
                                        {"TE", "trailers"},
                                        {"Transfer-Encoding", "chunked"},
                                        {"Upgrade", "h2c"},
                                        {"Host", "gateway"},
                                        {"Content-Length", "3"},
                                        {"Content-Type", "text/plain"},
                                        {"Authorization", "Bearer t"}});
  EXPECT_EQ(std::distance(out.begin(), out.end()), 2);
  EXPECT_EQ(out.get("Content-Type"), "text/plain");
  EXPECT_EQ(out.get("Authorization"), "Bearer t");
}

TEST_F(ProxyRouteTest, AWorkerThatCannotBeReachedIs503) {
  const auto exchange = call("GET", kSession);
  net_.answer(passed("GET").number,
              fail(Error::make(ErrorCode::kUnavailable, "ConnectFailed", "refused")));
  loop_.run_ready();
  EXPECT_EQ(exchange->status(), 503);
  EXPECT_EQ(exchange->code(), "ConnectFailed");
}

TEST_F(ProxyRouteTest, AClientThatLeavesEndsTheCall) {
  const std::size_t before = net_.open_calls();
  const auto exchange = call("GET", kSession);
  EXPECT_EQ(net_.open_calls(), before + 1);
  exchange->client_leaves();
  EXPECT_EQ(net_.open_calls(), before);
}

TEST_F(ProxyRouteTest, AWorkerThatSaysNothingIsGivenUp) {
  const auto exchange = call("GET", kSession);
  loop_.advance(seconds(59));
  EXPECT_FALSE(exchange->answered());
  loop_.advance(seconds(1));
  EXPECT_EQ(exchange->status(), 504);
  EXPECT_EQ(exchange->code(), "WorkerSilent");
}

TEST_F(ProxyRouteTest, AnUploadMayTakeAsLongAsItMoves) {
  const auto source = std::make_shared<ManualSource>();
  http::Request request;
  request.method = "PUT";
  request.target = std::string(kSession) + "/files/big";
  request.body_source = source;
  const auto exchange = FakeExchange::run(router_, std::move(request));
  const auto& sent = passed("PUT");
  std::string received;
  for (int i = 0; i < 5; ++i) {
    sent.request.body_source->next([&](Result<std::string> chunk) { received += *chunk; });
    ASSERT_TRUE(source->wanted());
    loop_.advance(seconds(50));
    source->give("x");
  }
  EXPECT_EQ(received, "xxxxx");
  EXPECT_FALSE(exchange->answered());
  loop_.advance(seconds(60));
  EXPECT_EQ(exchange->code(), "WorkerSilent") << "and no longer";
}

TEST_F(ProxyRouteTest, AnswersAreStreamedNotCollected) {
  const auto exchange = call("GET", std::string(kSession) + "/files/big");
  EXPECT_TRUE(passed("GET").options.stream);
  http::Response response;
  response.body_source = http::string_source("content");
  response.headers.add("Connection", "close");
  const auto* source = response.body_source.get();
  net_.answer(passed("GET").number, response);
  loop_.run_ready();
  EXPECT_EQ(exchange->answer()->body_source.get(), source);
  EXPECT_FALSE(exchange->answer()->headers.has("Connection"));
}

TEST_F(ProxyRouteTest, AWorkerWithTlsIsCalledByHttpsAndMustProveItsName) {
  WorkerPod pod = pod_of("w1", "10.0.0.1", "files");
  pod.tls = true;
  gateway_->set_pod(pod);
  loop_.run_ready();
  call("DELETE", kSession);
  const auto& sent = passed("DELETE");
  EXPECT_EQ(sent.origin, "https://10.0.0.1:7600");
  EXPECT_EQ(sent.options.server_name, "workers.default.berth");
}

}  // namespace
}  // namespace berth::gateway::testing
