#include "devcluster/apiserver/api_request.h"
#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/event_view.h"
#include "devcluster/apiserver/scale.h"
#include "devcluster/apiserver/table.h"
#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

TEST(ApiPathTest, NamesObjectsCollectionsAndSubresources) {
  const auto pod = ApiPath::parse("/api/v1/namespaces/x/pods/y/log");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->type->kind, "Pod");
  EXPECT_EQ(pod->key.ns, "x");
  EXPECT_EQ(pod->key.name, "y");
  EXPECT_EQ(pod->subresource, "log");
  const auto all = ApiPath::parse("/apis/berth.dev/v1alpha1/sessionpools");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->key.ns.empty());
  const auto ns = ApiPath::parse("/api/v1/namespaces/x");
  ASSERT_TRUE(ns);
  EXPECT_EQ(ns->type->kind, "Namespace");
  EXPECT_EQ(ns->key.name, "x");
}

TEST(ApiPathTest, RefusesWhatIsNotThere) {
  for (const char* bad :
       {"/", "/api", "/api/v1", "/api/v2/pods", "/apis/berth.dev/v1/sessionpools",
        "/api/v1/namespaces/x/nodes", "/api/v1/namespaces/x/pods/y/exec", "/api/v1/pods/y",
        "/api/v1/namespaces//pods", "/api/v1/namespaces/x/pods/%zz",
        "/api/v1/namespaces/x/pods/y/z/w", "/apis/berth.dev/v1alpha1"}) {
    EXPECT_FALSE(ApiPath::parse(bad)) << bad;
  }
}

TEST(PatchTest, JsonPatchTestIsACompareAndSet) {
  const ResourceType& pools = type_of("sessionpools");
  const Json object = {{"spec", {{"workers", 2}}}};
  const Json wrong = {{{"op", "test"}, {"path", "/spec/workers"}, {"value", 3}},
                      {{"op", "replace"}, {"path", "/spec/workers"}, {"value", 4}}};
  EXPECT_EQ(apply_patch(pools, PatchType::kJson, object, wrong).error().code, 422);
  Json right = wrong;
  right[0]["value"] = 2;
  EXPECT_EQ(apply_patch(pools, PatchType::kJson, object, right)->at("spec").at("workers"), 4);
}

TEST(PatchTest, CopiesOfCopiesDoNotEatTheMemory) {
  Json patch = Json::array();
  for (int i = 0; i < 40; ++i) {
    patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/x" + std::to_string(i)}});
  }
  const auto patched = apply_patch(type_of("configmaps"), PatchType::kJson,
                                   {{"a", {{"t", std::string(1000, 'x')}}}}, patch);
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().code, 400);
}

TEST(PatchTest, StrategicMergeIsServedWhereItMeansMergeAndRefusedElsewhere) {
  const ResourceType& pods = type_of("pods");
  const Json labels = {{"metadata", {{"labels", {{"a", "b"}}}}}};
  EXPECT_TRUE(apply_patch(pods, PatchType::kStrategic, Json::object(), labels));
  const Json list = {{"spec", {{"containers", {{{"name", "x"}}}}}}};
  EXPECT_EQ(apply_patch(pods, PatchType::kStrategic, Json::object(), list).error().code, 415);
  EXPECT_EQ(
      apply_patch(pods, PatchType::kStrategic, Json::object(), {{"$patch", "delete"}}).error().code,
      415);
  EXPECT_EQ(apply_patch(type_of("sessionpools"), PatchType::kStrategic, Json::object(), labels)
                .error()
                .code,
            415);
  EXPECT_EQ(patch_type("text/plain").error().code, 415);
}

TEST(ScaleTest, ReadingNeedsWorkersAndWritingMakesThem) {
  const ResourceType& pools = type_of("sessionpools");
  Json pool = {{"metadata", {{"name", "a"}, {"resourceVersion", "7"}}},
               {"spec", Json::object()},
               {"status", {{"workers", {{"current", 5}}}}}};
  const auto absent = scale_of(pools, pool);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, 500);
  EXPECT_NE(absent.error().message.find(".spec.workers"), std::string::npos);
  EXPECT_FALSE(with_scale(pool, Json::object()));
  const auto next = with_scale(pool, {{"spec", {{"replicas", 3}}}});
  ASSERT_TRUE(next);
  const auto scale = scale_of(pools, *next);
  ASSERT_TRUE(scale);
  EXPECT_EQ(scale->at("spec").at("replicas"), 3);
  EXPECT_EQ(scale->at("status").at("replicas"), 5);
}

TEST(EventViewTest, CoreAndNewEventsAreTheSameObject) {
  const ResourceType& core = *find_type("", "v1", "events");
  const Json stored = {{"apiVersion", "events.k8s.io/v1"},
                       {"regarding", {{"name", "p"}}},
                       {"note", "hello"},
                       {"reportingController", "berth"}};
  const Json shown = to_view(core, stored);
  EXPECT_EQ(shown.at("apiVersion"), "v1");
  EXPECT_EQ(shown.at("message"), "hello");
  EXPECT_EQ(shown.at("involvedObject").at("name"), "p");
  EXPECT_EQ(from_view(core, shown), stored);
}

TEST(DiscoveryTest, ListsTypesWithTheirSubresources) {
  const auto berth = discovery("/apis/berth.dev/v1alpha1");
  ASSERT_TRUE(berth);
  std::string names;
  for (const Json& r : berth->at("resources")) {
    names += r.at("name").get<std::string>() + " ";
  }
  EXPECT_EQ(names, "sessionpools sessionpools/status sessionpools/scale ");
  EXPECT_EQ(berth->at("resources").at(0).at("shortNames"), Json::array({"spool"}));
  EXPECT_TRUE(discovery("/version"));
  EXPECT_TRUE(discovery("/openapi/v3/apis/berth.dev/v1alpha1"));
  EXPECT_FALSE(discovery("/apis/none.dev/v1"));
  EXPECT_FALSE(discovery("/openapi/v2"));
}

TEST(TableTest, AgesReadAsKubectlWritesThem) {
  const std::vector<std::pair<int, std::string>> cases = {
      {0, "0s"},         {119, "119s"},   {125, "2m5s"},     {600, "10m"},   {10'800, "3h"},
      {12'000, "3h20m"}, {90'000, "25h"}, {180'000, "2d2h"}, {700'000, "8d"}};
  for (const auto& [seconds, text] : cases) {
    EXPECT_EQ(human_duration(std::chrono::seconds(seconds)), text);
  }
}

TEST_F(StoreTest, APoolsTableShowsWorkersAndSlots) {
  create(pools, pool_object("a"));
  merge(pools, "a",
        {{"status",
          {{"workers", {{"current", 3}, {"ready", 2}}},
           {"slots", {{"capacity", 12}, {"used", 5}}},
           {"waiting", 1},
           {"conditions", {{{"type", "Ready"}, {"status", "True"}, {"reason", "AllReady"}}}}}}},
        Part::kStatus);
  loop.advance(std::chrono::seconds(30));
  const Json table =
      to_table(pools, {*store.get(pools, {"default", "a"})}, loop.clock().wall_now());
  EXPECT_EQ(table.at("rows").at(0).at("cells"), Json({"a", 3, 2, 12, 5, 1, "AllReady", "30s"}));
  EXPECT_EQ(table.at("columnDefinitions").size(), 8u);
}

}  // namespace
}  // namespace berth::devcluster
