#include <gtest/gtest.h>

#include "operator/disruption/budget.h"
#include "operator/disruption/node_view.h"
#include "operator/disruption/node_watch.h"
#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

Json node(const std::string& name, Json spec = Json::object()) {
  return {{"metadata", {{"name", name}, {"uid", "uid-of-" + name}, {"resourceVersion", "5"}}},
          {"spec", std::move(spec)},
          {"status", {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
}

NodeView tainted(const std::string& key) {
  return *NodeView::from(node("n", {{"taints", {{{"key", key}, {"effect", "NoSchedule"}}}}}));
}

TEST(NodeView, AHealthyNodeStays) {
  const auto v = NodeView::from(node("n"));
  EXPECT_TRUE(v->ready);
  EXPECT_FALSE(v->out_of_service);
  EXPECT_FALSE(v->hinted);
  EXPECT_EQ(v->leaving, "");
}

TEST(NodeView, ACordonedNodeLeaves) {
  EXPECT_EQ(NodeView::from(node("n", {{"unschedulable", true}}))->leaving, "is cordoned");
}

TEST(NodeView, TaintsOfTheKnownAutoscalersMeanLeaving) {
  for (const char* key :
       {"ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption"}) {
    EXPECT_EQ(tainted(key).leaving, std::string("is tainted ") + key);
  }
}

TEST(NodeView, ACandidateForDeletionIsOnlyAHint) {
  const NodeView v = tainted("DeletionCandidateOfClusterAutoscaler");
  EXPECT_TRUE(v.hinted);
  EXPECT_EQ(v.leaving, "");
}

TEST(NodeView, OutOfServiceIsItsOwnMatter) {
  EXPECT_TRUE(tainted("node.kubernetes.io/out-of-service").out_of_service);
  EXPECT_EQ(tainted("some.one/else").leaving, "");
}

class DisruptionTest : public WithFakeApi {
 protected:
  static http::Response status(int code, const std::string& reason) {
    return http::Response::json(
        code, dump_json({{"kind", "Status"}, {"code", code}, {"reason", reason}}));
  }
  static http::Response list(const Json& items) {
    return http::Response::json(
        200, dump_json({{"metadata", {{"resourceVersion", "9"}}}, {"items", items}}));
  }
  void answer(http::Response response) {
    api_.expect_request()->answer(std::move(response));
    loop_.run_ready();
  }
};

class NodeWatchTest : public DisruptionTest {
 protected:
  void start(const Json& nodes) {
    watch_.start();
    answer(list(Json::array()));  // May we?
    answer(list(nodes));
  }
  std::vector<std::string> changed_;
  int lines_ = 0;
  NodeWatch watch_{loop_,    client_,
                   random_,  Log::to_function([this](const std::string&) { ++lines_; }),
                   metrics_, [this](const std::string& n) { changed_.push_back(n); }};
};

TEST_F(NodeWatchTest, KnowsTheNodesOfTheList) {
  start({node("a"), node("b", {{"unschedulable", true}})});
  ASSERT_NE(watch_.state("b").view, nullptr);
  EXPECT_EQ(watch_.state("b").view->leaving, "is cordoned");
  EXPECT_EQ(watch_.state("b").leaving_since, loop_.clock().now());
  EXPECT_FALSE(watch_.state("a").gone);
  EXPECT_FALSE(watch_.state("a").leaving_since);
}

TEST_F(NodeWatchTest, ANodeThatTheCacheLacksIsGoneOnlyOnceAGetSaysSo) {
  start(Json::array({node("a")}));
  EXPECT_FALSE(watch_.state("b").gone);
  (void)api_.expect_request("GET", "/api/v1/nodes");  // The watch.
  const auto get = api_.expect_request("GET", "/api/v1/nodes/b");
  EXPECT_FALSE(watch_.state("b").gone) << "asked, and not answered yet";
  get->answer(status(404, "NotFound"));
  loop_.run_ready();
  EXPECT_EQ(changed_.back(), "b");
  EXPECT_TRUE(watch_.state("b").gone);
}

TEST_F(NodeWatchTest, ANewNodeWhosePodWasSeenFirstIsNotGone) {
  start(Json::array({node("a")}));
  (void)watch_.state("b");
  (void)api_.expect_request("GET", "/api/v1/nodes");
  api_.expect_request("GET", "/api/v1/nodes/b")
      ->answer(http::Response::json(200, dump_json(node("b"))));
  loop_.run_ready();
  EXPECT_FALSE(watch_.state("b").gone);
  EXPECT_EQ(api_.count("GET", "/api/v1/nodes/b"), 1U) << "not asked again at once";
}

TEST_F(NodeWatchTest, WithoutLeaveItSaysSoInOneLineAndAsksAgainSoonAndThenSeldom) {
  watch_.start();
  for (const auto pause : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s}) {
    answer(status(403, "Forbidden"));
    EXPECT_TRUE(watch_.forbidden());
    EXPECT_EQ(lines_, 1);
    EXPECT_FALSE(watch_.state("a").gone);
    loop_.advance(pause - 1s);
    EXPECT_EQ(api_.waiting(), 0U);
    loop_.advance(1s);
  }
  answer(list(Json::array()));
  EXPECT_FALSE(watch_.forbidden());
  answer(list(Json::array({node("a")})));
  EXPECT_NE(watch_.state("a").view, nullptr);
}

class BudgetTest : public DisruptionTest {
 protected:
  BudgetKeeper keeper_{loop_, client_, Log(), "ns", "files"};
};

TEST_F(BudgetTest, LetsNoWorkerBeEvictedAndIsOwnedByThePool) {
  const Json budget = render_budget("ns", "files", "u1");
  EXPECT_EQ(budget.at("spec").at("minAvailable"), 2147483647);
  EXPECT_EQ(budget.at("spec").at("selector").at("matchLabels").at("berth.dev/pool"), "files");
  EXPECT_EQ(budget.at("metadata").at("ownerReferences").at(0).at("uid"), "u1");
}

TEST_F(BudgetTest, IsMadeWhereThereIsNone) {
  keeper_.keep("u1");
  answer(status(404, "NotFound"));
  const auto post =
      api_.expect_request("POST", "/apis/policy/v1/namespaces/ns/poddisruptionbudgets");
  EXPECT_EQ(*parse_json(post->request().body), render_budget("ns", "files", "u1"));
  post->answer(http::Response::json(201, "{}"));
  loop_.run_ready();
  EXPECT_EQ(keeper_.trouble(), "");
  keeper_.keep("u1");
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(BudgetTest, IsRepairedWhenSomebodyChangedIt) {
  keeper_.keep("u1");
  Json changed = render_budget("ns", "files", "u1");
  changed["metadata"]["resourceVersion"] = "7";
  changed["spec"].erase("minAvailable");
  changed["spec"]["maxUnavailable"] = 1;
  answer(http::Response::json(200, dump_json(changed)));
  const auto patch = api_.expect_request();
  EXPECT_EQ(patch->request().method, "PATCH");
  const Json body = *parse_json(patch->request().body);
  EXPECT_EQ(body.at("metadata").at("resourceVersion"), "7");
  EXPECT_EQ(body.at("spec").at("minAvailable"), 2147483647);
  EXPECT_TRUE(body.at("spec").at("maxUnavailable").is_null());
}

TEST_F(BudgetTest, OneOfSomebodyElseIsLeftAloneAndReported) {
  keeper_.keep("u1");
  answer(http::Response::json(200, dump_json(render_budget("ns", "files", "other"))));
  EXPECT_NE(keeper_.trouble().find("not of this pool"), std::string::npos);
}

TEST_F(BudgetTest, IsLookedAtAgain) {
  keeper_.keep("u1");
  answer(http::Response::json(200, dump_json(render_budget("ns", "files", "u1"))));
  EXPECT_EQ(api_.waiting(), 0U);
  loop_.advance(10min);
  EXPECT_EQ(api_.waiting(), 1U);
}

}  // namespace
}  // namespace berth::op
