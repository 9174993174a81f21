#include "devcluster/apiserver/garbage_collector.h"
#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

class DeleteTest : public StoreTest {
 protected:
  Json running_pod(const std::string& name, std::int64_t grace = 60) {
    Json object = pod_object(name);
    object["spec"]["nodeName"] = "n1";
    object["spec"]["terminationGracePeriodSeconds"] = grace;
    return create(pods, object);
  }
  std::int64_t grace_of(const std::string& name) {
    const auto pod = store.get(pods, {"default", name});
    return pod ? get_int((*pod)->at("metadata"), "deletionGracePeriodSeconds").value_or(-1) : -2;
  }
};

TEST_F(DeleteTest, APlainObjectGoesAtOnce) {
  create(configs, config_object("a"));
  const auto outcome = remove(configs, "a");
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->gone);
  EXPECT_EQ(remove(configs, "a").error().message, "configmaps \"a\" not found");
}

TEST_F(DeleteTest, PreconditionsMustHold) {
  const Json object = create(configs, config_object("a"));
  EXPECT_EQ(remove(configs, "a", {.uid = "other"}).error().reason, "Conflict");
  EXPECT_EQ(remove(configs, "a", {.resource_version = "1"}).error().reason, "Conflict");
  EXPECT_TRUE(exists(configs, "a"));
  EXPECT_TRUE(
      remove(configs, "a",
             {.uid = string_at(object, {"metadata", "uid"}), .resource_version = version(object)}));
  EXPECT_FALSE(exists(configs, "a"));
}

TEST_F(DeleteTest, AFinalizerKeepsTheObjectUntilItIsRemoved) {
  Json object = pool_object("a");
  object["metadata"]["finalizers"] = {"berth.dev/drain"};
  create(pools, object);
  ASSERT_FALSE(remove(pools, "a")->gone);
  EXPECT_NE(find_path(**store.get(pools, {"default", "a"}), {"metadata", "deletionTimestamp"}),
            nullptr);
  ASSERT_TRUE(merge(pools, "a", {{"metadata", {{"finalizers", nullptr}}}}));
  EXPECT_FALSE(exists(pools, "a"));
}

TEST_F(DeleteTest, NoFinalizerIsAddedToWhatIsBeingDeleted) {
  Json object = pool_object("a");
  object["metadata"]["finalizers"] = {"x/one"};
  create(pools, object);
  remove(pools, "a");
  const auto added = merge(pools, "a", {{"metadata", {{"finalizers", {"x/one", "x/two"}}}}});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, 422);
}

TEST_F(DeleteTest, APodStaysUntilItsNodeConfirmsWithGraceZero) {
  running_pod("a", 60);
  ASSERT_FALSE(remove(pods, "a")->gone);
  EXPECT_EQ(grace_of("a"), 60);
  ASSERT_TRUE(remove(pods, "a", {.grace_seconds = 0})->gone);
  EXPECT_FALSE(exists(pods, "a"));
}

TEST_F(DeleteTest, ALaterShorterGraceCountsAndALongerOneDoesNot) {
  running_pod("a", 60);
  remove(pods, "a", {.grace_seconds = 30});
  remove(pods, "a", {.grace_seconds = 5});
  EXPECT_EQ(grace_of("a"), 5);
  const auto before = store.version();
  remove(pods, "a", {.grace_seconds = 500});
  EXPECT_EQ(grace_of("a"), 5);
  EXPECT_EQ(store.version(), before);
}

TEST_F(DeleteTest, AnUnscheduledOrFinishedPodGoesAtOnce) {
  create(pods, pod_object("waiting"));
  EXPECT_TRUE(remove(pods, "waiting")->gone);
  running_pod("done");
  merge(pods, "done", {{"status", {{"phase", "Succeeded"}}}}, Part::kStatus);
  EXPECT_TRUE(remove(pods, "done")->gone);
}

TEST_F(DeleteTest, AConfirmedPodWithAFinalizerStillWaitsForIt) {
  Json object = pod_object("a");
  object["spec"]["nodeName"] = "n1";
  object["metadata"]["finalizers"] = {"x/one"};
  create(pods, object);
  remove(pods, "a");
  EXPECT_FALSE(remove(pods, "a", {.grace_seconds = 0})->gone);
  merge(pods, "a", {{"metadata", {{"finalizers", Json::array()}}}});
  EXPECT_FALSE(exists(pods, "a"));
}

class CollectorTest : public DeleteTest {
 protected:
  Json owned(const std::string& name, const Json& owner, bool blocks = false) {
    Json object = config_object(name);
    object["metadata"]["ownerReferences"] = {{{"kind", owner.at("kind")},
                                              {"apiVersion", owner.at("apiVersion")},
                                              {"name", owner.at("metadata").at("name")},
                                              {"uid", owner.at("metadata").at("uid")},
                                              {"controller", true},
                                              {"blockOwnerDeletion", blocks}}};
    return object;
  }
  GarbageCollector collector{loop, store};
};

TEST_F(CollectorTest, DependentsOfAVanishedOwnerGo) {
  const Json owner = create(pools, pool_object("p"));
  create(configs, owned("child", owner));
  create(configs, config_object("free"));
  remove(pools, "p");
  EXPECT_TRUE(exists(configs, "child")) << "collected after the request, not in it";
  loop.run_ready();
  EXPECT_FALSE(exists(configs, "child"));
  EXPECT_TRUE(exists(configs, "free"));
}

TEST_F(CollectorTest, AnOwnerOfTheSameNameButAnotherUidIsNoOwner) {
  const Json first = create(pools, pool_object("p"));
  remove(pools, "p");
  create(pools, pool_object("p"));
  create(configs, owned("child", first));
  loop.run_ready();
  EXPECT_FALSE(exists(configs, "child"));
}

TEST_F(CollectorTest, OneLivingOwnerIsEnough) {
  const Json a = create(pools, pool_object("a"));
  const Json b = create(pools, pool_object("b"));
  Json child = owned("child", a);
  child["metadata"]["ownerReferences"].push_back(
      owned("x", b).at("metadata").at("ownerReferences").at(0));
  create(configs, child);
  remove(pools, "a");
  loop.run_ready();
  EXPECT_TRUE(exists(configs, "child"));
  remove(pools, "b");
  loop.run_ready();
  EXPECT_FALSE(exists(configs, "child"));
}

TEST_F(CollectorTest, AnOwnerInAnotherNamespaceCountsAsAbsent) {
  const Json owner = create(pools, pool_object("p"), "kube-system");
  create(configs, owned("child", owner));
  loop.run_ready();
  EXPECT_FALSE(exists(configs, "child"));
}

TEST_F(CollectorTest, ForegroundDeletionWaitsForBlockingDependents) {
  const Json owner = create(pools, pool_object("p"));
  Json child = owned("child", owner, true);
  child["metadata"]["finalizers"] = {"x/slow"};
  create(configs, child);
  EXPECT_FALSE(remove(pools, "p", {.propagation = Propagation::kForeground})->gone);
  loop.run_ready();
  EXPECT_TRUE(exists(pools, "p"));
  merge(configs, "child", {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_FALSE(exists(configs, "child"));
  loop.run_ready();
  EXPECT_FALSE(exists(pools, "p"));
}

TEST_F(CollectorTest, OrphansLoseTheReferenceAndStay) {
  const Json owner = create(pools, pool_object("p"));
  create(configs, owned("child", owner));
  remove(pools, "p", {.propagation = Propagation::kOrphan});
  loop.run_ready();
  EXPECT_FALSE(exists(pools, "p"));
  const auto child = store.get(configs, {"default", "child"});
  ASSERT_TRUE(child);
  EXPECT_TRUE((*child)->at("metadata").at("ownerReferences").empty());
}

TEST_F(CollectorTest, ANamespaceTakesItsObjectsAlong) {
  create(namespaces, {{"metadata", {{"name", "team"}}}});
  create(configs, config_object("a"), "team");
  ASSERT_TRUE(store.remove(namespaces, {"", "team"}, {}));
  loop.run_ready();
  EXPECT_FALSE(store.get(configs, {"team", "a"}));
}

}  // namespace
}  // namespace berth::devcluster
