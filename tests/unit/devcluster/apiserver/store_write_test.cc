#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

TEST_F(StoreTest, CreateFillsInWhatTheServerOwns) {
  const Json pool = create(pools, pool_object("a"));
  EXPECT_EQ(pool.at("kind"), "SessionPool");
  EXPECT_EQ(pool.at("apiVersion"), "berth.dev/v1alpha1");
  EXPECT_EQ(string_at(pool, {"metadata", "namespace"}), "default");
  EXPECT_EQ(string_at(pool, {"metadata", "uid"}).size(), 36u);
  EXPECT_EQ(string_at(pool, {"metadata", "creationTimestamp"}).size(), 20u);
  EXPECT_EQ(generation(pool), 1);
}

TEST_F(StoreTest, CreateIgnoresServerFieldsAndStatusFromTheClient) {
  Json object = pool_object("a");
  object["metadata"]["uid"] = "mine";
  object["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z";
  object["status"] = {{"waiting", 7}};
  const Json pool = create(pools, object);
  EXPECT_NE(string_at(pool, {"metadata", "uid"}), "mine");
  EXPECT_EQ(find_path(pool, {"metadata", "deletionTimestamp"}), nullptr);
  EXPECT_EQ(find(pool, "status"), nullptr);
}

TEST_F(StoreTest, OneVersionCounterServesAllTypes) {
  const auto a = std::stoull(version(create(configs, config_object("a"))));
  const auto b = std::stoull(version(create(pools, pool_object("b"))));
  EXPECT_EQ(b, a + 1);
  EXPECT_EQ(store.version(), b);
}

TEST_F(StoreTest, ATakenNameIsAlreadyExistsInKubernetesWords) {
  create(pools, pool_object("a"));
  const auto again = store.create(pools, "default", pool_object("a"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, 409);
  EXPECT_EQ(again.error().reason, "AlreadyExists");
  EXPECT_EQ(again.error().message, "sessionpools.berth.dev \"a\" already exists");
}

TEST_F(StoreTest, GenerateNameMakesDistinctNames) {
  Json object = config_object("");
  object["metadata"] = {{"generateName", "job-"}};
  const Json a = create(configs, object);
  const Json b = create(configs, object);
  EXPECT_TRUE(string_at(a, {"metadata", "name"}).starts_with("job-"));
  EXPECT_NE(string_at(a, {"metadata", "name"}), string_at(b, {"metadata", "name"}));
}

TEST_F(StoreTest, CreateRefusesWhatTheServerRefuses) {
  const auto refused = [&](const ResourceType& type, Json object,
                           const std::string& ns = "default") {
    const auto made = store.create(type, ns, std::move(object));
    return made ? 0 : made.error().code;
  };
  EXPECT_EQ(refused(configs, config_object("Upper")), 422);
  EXPECT_EQ(refused(configs, config_object("-a")), 422);
  EXPECT_EQ(refused(configs, config_object(std::string(254, 'a'))), 422);
  EXPECT_EQ(refused(configs, Json{{"data", {}}}), 422) << "no name";
  EXPECT_EQ(refused(configs, config_object("a"), "nowhere"), 404);
  EXPECT_EQ(refused(configs, Json::array()), 400);
  EXPECT_EQ(refused(configs, Json{{"metadata", "x"}}), 400);
  Json wrong_kind = config_object("a");
  wrong_kind["kind"] = "Secret";
  EXPECT_EQ(refused(configs, wrong_kind), 400);
  Json other_ns = config_object("a");
  other_ns["metadata"]["namespace"] = "kube-system";
  EXPECT_EQ(refused(configs, other_ns), 400);
  Json versioned = config_object("a");
  versioned["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(refused(configs, versioned), 400);
  Json labels = config_object("a");
  labels["metadata"]["labels"] = {{"n", 1}};
  EXPECT_EQ(refused(configs, labels), 422);
}

TEST_F(StoreTest, ABadPoolIsInvalidAndNamesTheField) {
  Json object = pool_object("a");
  object["spec"]["scaling"]["maxWorkers"] = "six";
  const auto made = store.create(pools, "default", object);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 422);
  const Json body = made.error().body();
  EXPECT_EQ(string_at(body, {"details", "kind"}), "SessionPool");
  EXPECT_EQ(body.at("details").at("causes").at(0).at("field"), "spec.scaling.maxWorkers");
  EXPECT_TRUE(made.error().message.starts_with(
      "SessionPool.berth.dev \"a\" is invalid: spec.scaling.maxWorkers: "))
      << made.error().message;
}

TEST_F(StoreTest, APodNeedsContainersWithNamesAndImages) {
  Json none = pod_object("a");
  none["spec"]["containers"] = Json::array();
  EXPECT_FALSE(store.create(pods, "default", none));
  Json twice = pod_object("a");
  twice["spec"]["containers"].push_back(twice["spec"]["containers"][0]);
  const auto made = store.create(pods, "default", twice);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("spec.containers[1].name"), std::string::npos);
}

TEST_F(StoreTest, DryRunChangesNothing) {
  const auto before = store.version();
  const auto made = store.create(configs, "default", config_object("a"), true);
  ASSERT_TRUE(made);
  EXPECT_FALSE(exists(configs, "a"));
  create(configs, config_object("b"));
  EXPECT_TRUE(remove(configs, "b", {.dry_run = true}));
  EXPECT_TRUE(exists(configs, "b"));
  EXPECT_EQ(store.version(), before + 1);
}

TEST_F(StoreTest, PutWithAnOldVersionIsAConflict) {
  const Json first = create(pools, pool_object("a"));
  ASSERT_TRUE(merge(pools, "a", {{"metadata", {{"labels", {{"x", "1"}}}}}}));
  const auto stale = put(pools, first);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().reason, "Conflict");
  EXPECT_NE(stale.error().message.find("the object has been modified"), std::string::npos);
}

TEST_F(StoreTest, PutOfACustomResourceNeedsAVersionAndOfAConfigMapDoesNot) {
  Json pool = create(pools, pool_object("a"));
  pool["metadata"].erase("resourceVersion");
  const auto refused = put(pools, pool);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, 422);
  Json config = create(configs, config_object("c"));
  config["metadata"].erase("resourceVersion");
  config["data"]["key"] = "2";
  EXPECT_TRUE(put(configs, config));
}

TEST_F(StoreTest, APatchIsGuardedByTheVersionAndTheUidItCarries) {
  const Json pool = create(pools, pool_object("a"));
  const Json label = {{"labels", {{"x", "1"}}}};
  Json stale = {{"metadata", label}};
  stale["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(merge(pools, "a", stale).error().reason, "Conflict");
  Json other = {{"metadata", label}};
  other["metadata"]["uid"] = "another";
  EXPECT_EQ(merge(pools, "a", other).error().reason, "Conflict");
  Json right = {{"metadata", label}};
  right["metadata"]["resourceVersion"] = version(pool);
  right["metadata"]["uid"] = string_at(pool, {"metadata", "uid"});
  EXPECT_TRUE(merge(pools, "a", right));
}

TEST_F(StoreTest, MergePatchDeletesWithNullAndReplacesLists) {
  Json object = config_object("a");
  object["metadata"]["finalizers"] = {"x/one", "x/two"};
  object["metadata"]["labels"] = {{"keep", "1"}, {"drop", "1"}};
  create(configs, object);
  const auto patched = merge(
      configs, "a", {{"metadata", {{"labels", {{"drop", nullptr}}}, {"finalizers", {"x/three"}}}}});
  ASSERT_TRUE(patched);
  EXPECT_EQ((*patched)->at("metadata").at("labels"), Json({{"keep", "1"}}));
  EXPECT_EQ((*patched)->at("metadata").at("finalizers"), Json::array({"x/three"}));
}

TEST_F(StoreTest, GenerationCountsSpecChangesOnly) {
  create(pools, pool_object("a"));
  EXPECT_EQ(generation(**merge(pools, "a", {{"metadata", {{"labels", {{"x", "1"}}}}}})), 1);
  EXPECT_EQ(generation(**merge(pools, "a", {{"status", {{"waiting", 1}}}}, Part::kStatus)), 1);
  EXPECT_EQ(generation(**merge(pools, "a", {{"spec", {{"workers", 2}}}})), 2);
}

TEST_F(StoreTest, StatusAndTheRestAreWrittenApart) {
  create(pools, pool_object("a"));
  const auto main = merge(pools, "a", {{"spec", {{"workers", 2}}}, {"status", {{"waiting", 9}}}});
  ASSERT_TRUE(main);
  EXPECT_EQ(find(**main, "status"), nullptr);
  const auto status = merge(pools, "a",
                            {{"spec", {{"workers", 5}}},
                             {"metadata", {{"labels", {{"x", "1"}}}}},
                             {"status", {{"waiting", 3}}}},
                            Part::kStatus);
  ASSERT_TRUE(status);
  EXPECT_EQ((*status)->at("spec").at("workers"), 2);
  EXPECT_EQ((*status)->at("status").at("waiting"), 3);
  EXPECT_EQ(find_path(**status, {"metadata", "labels"}), nullptr);
}

TEST_F(StoreTest, AWriteThatChangesNothingIsNoEvent) {
  const Json pool = create(pools, pool_object("a"));
  const auto same = put(pools, pool);
  ASSERT_TRUE(same);
  EXPECT_EQ(version(**same), version(pool));
}

TEST_F(StoreTest, ServerMetadataCannotBeEdited) {
  const Json pool = create(pools, pool_object("a"));
  const auto patched =
      merge(pools, "a",
            {{"metadata", {{"creationTimestamp", "1999-01-01T00:00:00Z"}, {"generation", 99}}}});
  ASSERT_TRUE(patched);
  EXPECT_EQ((*patched)->at("metadata"), pool.at("metadata"));
}

TEST_F(StoreTest, ThePodSpecIsFixedButImagesAndBindingAreNot) {
  create(pods, pod_object("a"));
  EXPECT_EQ(merge(pods, "a", {{"spec", {{"restartPolicy", "Never"}}}}).error().code, 422);
  EXPECT_TRUE(merge(pods, "a", {{"spec", {{"nodeName", "n1"}}}}));
  EXPECT_EQ(merge(pods, "a", {{"spec", {{"nodeName", "n2"}}}}).error().code, 422);
  EXPECT_TRUE(
      merge(pods, "a", {{"spec", {{"containers", {{{"name", "main"}, {"image", "sh:2"}}}}}}}));
}

TEST_F(StoreTest, AnObjectThatIsTooLargeIsRefused) {
  const auto made =
      store.create(configs, "default", config_object("a", std::string(2u << 20, 'x')));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 413);
}

TEST_F(StoreTest, OldEventsMakeRoomForNewOnes) {
  for (int i = 0; i < 1003; ++i) {
    create(events, {{"metadata", {{"name", "e" + std::to_string(i)}}}});
  }
  EXPECT_FALSE(exists(events, "e2"));
  EXPECT_TRUE(exists(events, "e3"));
  EXPECT_TRUE(exists(events, "e1002"));
}

}  // namespace
}  // namespace berth::devcluster
