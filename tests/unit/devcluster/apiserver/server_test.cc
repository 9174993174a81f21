#include "tests/unit/devcluster/apiserver/server_fixture.h"

namespace berth::devcluster {
namespace {

TEST_F(ServerTest, ACallerWithoutTheTokenIsUnauthorized) {
  start();
  for (const char* header : {"", "Bearer wrong", "Bearer ", "Basic a-token-for-tests-only"}) {
    http::Request request;
    request.method = "GET";
    request.target = "/version";
    request.headers.set("Authorization", header);
    const auto answer = call(loop, *transport, origin, request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401) << header;
    EXPECT_EQ(parse_json(answer->body)->at("reason"), "Unauthorized");
  }
}

TEST_F(ServerTest, TheTokenMayStandInThePathForKubectl) {
  start();
  http::Request request;
  request.method = "GET";
  request.target = std::string("/k/") + kToken + "/api/v1/namespaces/default";
  EXPECT_EQ(call(loop, *transport, origin, request)->status, 200);
  request.target = "/k/wrong/api/v1/namespaces/default";
  EXPECT_EQ(call(loop, *transport, origin, request)->status, 401);
  EXPECT_NE(server->kubeconfig().find(origin + "/k/" + kToken), std::string::npos);
}

TEST_F(ServerTest, WebPagesAreRefused) {
  start();
  http::Request request;
  request.method = "GET";
  request.target = "/version";
  request.headers.set("Authorization", std::string("Bearer ") + kToken);
  request.headers.set("Origin", "http://evil.example");
  EXPECT_EQ(call(loop, *transport, origin, request)->status, 403);
}

TEST_F(ServerTest, ATokenThatIsTooShortAndAPortInUseAreClearErrors) {
  start();
  ApiServerOptions second = options;
  second.address = server->address();
  const auto in_use = ApiServer(loop, store, faults, random, Log(), second).start();
  ASSERT_FALSE(in_use);
  EXPECT_NE(in_use.error().message.find(server->address()), std::string::npos);
  second.token = "short";
  EXPECT_EQ(ApiServer(loop, store, faults, random, Log(), second).start().error().field, "token");
}

TEST_F(ServerTest, CreateReadChangeAndDeleteGoTheUsualWay) {
  start();
  const auto [made, object] = ask("POST", kConfigs, config("a"));
  EXPECT_EQ(made, 201);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").second, object);
  const auto [patched, next] = ask("PATCH", std::string(kConfigs) + "/a", {{"data", {{"k", "w"}}}},
                                   "application/merge-patch+json");
  EXPECT_EQ(patched, 200);
  EXPECT_EQ(next.at("data").at("k"), "w");
  EXPECT_EQ(ask("PUT", std::string(kConfigs) + "/a", object).first, 409);
  const auto [deleted, status] = ask("DELETE", std::string(kConfigs) + "/a");
  EXPECT_EQ(deleted, 200);
  EXPECT_EQ(status.at("status"), "Success");
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 404);
}

TEST_F(ServerTest, ErrorsAreStatusObjects) {
  start();
  const auto [code, status] = ask("GET", std::string(kPools) + "/none");
  EXPECT_EQ(code, 404);
  EXPECT_EQ(status,
            Json({{"kind", "Status"},
                  {"apiVersion", "v1"},
                  {"metadata", Json::object()},
                  {"status", "Failure"},
                  {"message", "sessionpools.berth.dev \"none\" not found"},
                  {"reason", "NotFound"},
                  {"details", {{"name", "none"}, {"group", "berth.dev"}, {"kind", "sessionpools"}}},
                  {"code", 404}}));
  EXPECT_EQ(ask("GET", "/apis/none").first, 404);
  EXPECT_EQ(ask("POST", kConfigs, "text").first, 400);
  EXPECT_EQ(ask("POST", kConfigs, config("a"), "text/csv").first, 415);
  EXPECT_EQ(ask("DELETE", std::string(kConfigs) + "/a?dryRun=Some").first, 400);
  EXPECT_EQ(ask("POST", std::string(kConfigs) + "/a", config("a")).first, 405);
}

TEST_F(ServerTest, MalformedObjectsAreRefusedAndHarmNobody) {
  start();
  EXPECT_EQ(ask("POST", kConfigs, {{"metadata", {{"name", 5}}}}).first, 422);
  EXPECT_EQ(ask("POST", kPools, {{"metadata", {{"name", "a"}}}, {"spec", "x"}}).first, 422);
  EXPECT_EQ(ask("POST", "/api/v1/namespaces/default/pods",
                {{"metadata", {{"name", "p"}}}, {"spec", {{"containers", "x"}}}})
                .first,
            422);
  ask("POST", kPools, pool("a"));
  EXPECT_EQ(
      ask("PATCH", std::string(kPools) + "/a/scale", {{"spec", 5}}, "application/merge-patch+json")
          .first,
      400);
  EXPECT_EQ(
      ask("PATCH", std::string(kPools) + "/a", {{"metadata", 5}}, "application/merge-patch+json")
          .first,
      400);
  EXPECT_EQ(ask("GET", std::string(kPools) + "/a").first, 200);
}

TEST_F(ServerTest, ListsComeInPagesWithAContinueToken) {
  start();
  for (const char* name : {"a", "b", "c"}) {
    ask("POST", kConfigs, config(name));
  }
  const auto [code, page] = ask("GET", std::string(kConfigs) + "?limit=2");
  EXPECT_EQ(page.at("kind"), "ConfigMapList");
  EXPECT_EQ(page.at("items").size(), 2u);
  EXPECT_EQ(page.at("metadata").at("remainingItemCount"), 1);
  const std::string next =
      std::string(kConfigs) + "?limit=2&continue=" + string_at(page, {"metadata", "continue"});
  EXPECT_EQ(ask("GET", next).second.at("items").size(), 1u);
  store.expire_history();
  EXPECT_EQ(ask("GET", next).first, 410);
}

TEST_F(ServerTest, ScaleIsSpecWorkers) {
  start();
  ask("POST", kPools, pool("a"));
  const std::string scale = std::string(kPools) + "/a/scale";
  EXPECT_EQ(ask("GET", scale).first, 500) << "as the real server while spec.workers is absent";
  const auto [code, set] =
      ask("PATCH", scale, {{"spec", {{"replicas", 3}}}}, "application/merge-patch+json");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(set.at("kind"), "Scale");
  Json read = ask("GET", scale).second;
  EXPECT_EQ(read.at("spec").at("replicas"), 3);
  read["spec"]["replicas"] = 4;
  EXPECT_EQ(ask("PUT", scale, read).first, 200);
  EXPECT_EQ(ask("PUT", scale, read).first, 409) << "the version in the Scale is the lock";
  EXPECT_EQ(ask("GET", std::string(kPools) + "/a").second.at("spec").at("workers"), 4);
}

TEST_F(ServerTest, DryRunAnswersAndStoresNothing) {
  start();
  EXPECT_EQ(ask("POST", std::string(kConfigs) + "?dryRun=All", config("a")).first, 201);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 404);
}

TEST_F(ServerTest, DeleteTakesItsOptionsFromTheBody) {
  start();
  ask("POST", kConfigs, config("a"));
  const Json wrong = {{"kind", "DeleteOptions"}, {"preconditions", {{"uid", "other"}}}};
  EXPECT_EQ(ask("DELETE", std::string(kConfigs) + "/a", wrong).first, 409);
  EXPECT_EQ(ask("DELETE", std::string(kConfigs) + "/a?propagationPolicy=Sideways").first, 400);
  EXPECT_EQ(ask("DELETE", std::string(kConfigs) + "?labelSelector=none").first, 200);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 200);
  EXPECT_EQ(ask("DELETE", kConfigs).first, 200);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "/a").first, 404);
}

TEST_F(ServerTest, ApplyCreatesAndThenMerges) {
  start();
  const std::string at = std::string(kPools) + "/a?fieldManager=test";
  EXPECT_EQ(ask("PATCH", at, pool("a"), "application/apply-patch+yaml").first, 201);
  Json more = pool("a");
  more["spec"]["workers"] = 2;
  EXPECT_EQ(ask("PATCH", at, more, "application/apply-patch+yaml").first, 200);
  EXPECT_EQ(ask("GET", std::string(kPools) + "/a").second.at("spec").at("workers"), 2);
}

// What kubectl 1.32 sends for `kubectl get spool`: headers as recorded.
TEST_F(ServerTest, KubectlGetsATable) {
  start();
  ask("POST", kPools, pool("a"));
  http::Request request;
  request.method = "GET";
  request.target = std::string(kPools) + "?limit=500";
  request.headers.set("Authorization", std::string("Bearer ") + kToken);
  request.headers.set("Accept",
                      "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v="
                      "v1beta1;g=meta.k8s.io,application/json");
  const auto answer = call(loop, *transport, origin, request);
  ASSERT_TRUE(answer);
  const Json table = parse_json(answer->body).value_or(Json());
  EXPECT_EQ(table.at("kind"), "Table");
  EXPECT_EQ(table.at("rows").at(0).at("cells").at(0), "a");
  EXPECT_EQ(table.at("rows").at(0).at("object").at("kind"), "PartialObjectMetadata");
}

TEST_F(ServerTest, AWatchWithoutAVersionBeginsWithWhatIsThere) {
  start();
  ask("POST", kConfigs, config("a"));
  const auto body = watch(std::string(kConfigs) + "?watch=true");
  EXPECT_EQ(brief(next_event(*body)), "ADDED:a");
  ask("POST", kConfigs, config("b"));
  ask("DELETE", std::string(kConfigs) + "/a");
  EXPECT_EQ(brief(next_event(*body)), "ADDED:b");
  EXPECT_EQ(brief(next_event(*body)), "DELETED:a");
}

TEST_F(ServerTest, AWatchFromAVersionMissesNothingAndRepeatsNothing) {
  start();
  ask("POST", kConfigs, config("a"));
  const std::string version =
      string_at(ask("GET", kConfigs).second, {"metadata", "resourceVersion"});
  ask("POST", kConfigs, config("b"));
  const auto body = watch(std::string(kConfigs) + "?watch=1&resourceVersion=" + version);
  ask("POST", kConfigs, config("c"));
  EXPECT_EQ(brief(next_event(*body)), "ADDED:b");
  EXPECT_EQ(brief(next_event(*body)), "ADDED:c");
}

TEST_F(ServerTest, AWatchFromTooFarBackIs410) {
  start();
  const std::string version = std::to_string(store.version());
  store.expire_history();
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "?watch=true&resourceVersion=" + version).first,
            410);
  EXPECT_EQ(ask("GET", std::string(kConfigs) + "?watch=true&resourceVersion=x").first, 400);
}

TEST_F(ServerTest, InitialEventsEndWithAMarkedBookmark) {
  start();
  ask("POST", kConfigs, config("a"));
  const auto body = watch(std::string(kConfigs) +
                          "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&"
                          "resourceVersionMatch=NotOlderThan");
  EXPECT_EQ(brief(next_event(*body)), "ADDED:a");
  const Json bookmark = next_event(*body);
  EXPECT_EQ(bookmark.at("type"), "BOOKMARK");
  EXPECT_EQ(string_at(bookmark, {"object", "metadata", "annotations", "k8s.io/initial-events-end"}),
            "true");
  EXPECT_EQ(string_at(bookmark, {"object", "metadata", "resourceVersion"}),
            std::to_string(store.version()));
}

TEST_F(ServerTest, AWatcherThatLeavesIsForgotten) {
  start();
  auto body = watch(std::string(kConfigs) + "?watch=true");
  EXPECT_EQ(server->watches(), 1u);
  body.reset();
  // Each request gives the server a turn to see that the other connection is gone.
  for (int i = 0; i < 100 && server->watches() > 0; ++i) {
    ask("POST", kConfigs, config("c" + std::to_string(i)));
  }
  EXPECT_EQ(server->watches(), 0u);
}

TEST_F(ServerTest, StopEndsWatchesAndThenTheServer) {
  start();
  const auto body = watch(std::string(kConfigs) + "?watch=true");
  EXPECT_TRUE(run_until(loop, [&](const std::function<void()>& done) { server->stop(done); }));
  const auto end = next_bytes(*body);
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_TRUE(end->empty());
  EXPECT_FALSE(send("GET", kConfigs)) << "nobody listens any more";
}

}  // namespace
}  // namespace berth::devcluster
