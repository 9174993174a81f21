#include "tests/unit/devcluster/node/node_fixture.h"

namespace berth::devcluster {
namespace {

TEST_F(NodeTest, APodIsBoundRunAndReady) {
  start();
  create(pod("a", kForever));
  ASSERT_TRUE(wait_ready("a"));
  const Json object = get("a");
  EXPECT_EQ(string_at(object, {"spec", "nodeName"}), "berth-dev");
  EXPECT_EQ(string_at(object, {"status", "phase"}), "Running");
  EXPECT_TRUE(string_at(object, {"status", "podIP"}).starts_with("127."));
  EXPECT_FALSE(string_at(object, {"status", "startTime"}).empty());
  EXPECT_EQ(container("a").at("restartCount"), 0);
  EXPECT_TRUE(container("a").at("started"));
  for (const Json& c : object.at("status").at("conditions")) {
    EXPECT_EQ(c.at("status"), "True") << c.at("type");
  }
}

TEST_F(NodeTest, EachPodHasAnAddressOfItsOwn) {
  start();
  create(pod("a", kForever));
  create(pod("b", kForever));
  ASSERT_TRUE(wait_ready("a") && wait_ready("b"));
  EXPECT_NE(string_at(get("a"), {"status", "podIP"}), string_at(get("b"), {"status", "podIP"}));
}

TEST_F(NodeTest, DeletionTermsThePodAndThenConfirms) {
  start();
  create(pod("a", "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(wait_ready("a"));
  const pid_t pid = pid_of("a");
  remove("a", 30);
  EXPECT_FALSE(get("a").is_null()) << "the object stays until the node confirms";
  ASSERT_TRUE(wait_gone("a"));
  EXPECT_FALSE(alive(pid));
}

TEST_F(NodeTest, APodThatIgnoresTermIsKilledWhenItsGraceIsOver) {
  start();
  create(pod("a", "trap '' TERM; touch up; while :; do sleep 0.01; done", {},
             {{"readinessProbe", {{"exec", {{"command", {"test", "-e", "up"}}}}}}}));
  ASSERT_TRUE(wait_ready("a"));
  const pid_t pid = pid_of("a");
  remove("a", 1);
  ASSERT_TRUE(wait_gone("a"));
  EXPECT_FALSE(alive(pid));
}

TEST_F(NodeTest, AShorterGraceLaterCounts) {
  start();
  create(pod("a", "trap '' TERM; touch up; while :; do sleep 0.01; done", {},
             {{"readinessProbe", {{"exec", {{"command", {"test", "-e", "up"}}}}}}}));
  ASSERT_TRUE(wait_ready("a"));
  remove("a", 3600);
  turn(loop);
  remove("a", 1);
  EXPECT_TRUE(wait_gone("a"));
}

TEST_F(NodeTest, AForcedDeletionKillsAtOnce) {
  start();
  create(pod("a", "trap '' TERM; while :; do sleep 0.01; done"));
  ASSERT_TRUE(wait_ready("a"));
  const pid_t pid = pid_of("a");
  remove("a", 0);
  EXPECT_TRUE(get("a").is_null());
  turn(loop);
  EXPECT_FALSE(alive(pid));
}

TEST_F(NodeTest, AFinishedPodsFilesGoWithIt) {
  start();
  create(pod("a", "true", {{"restartPolicy", "Never"}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  const auto files = dir.path() / "pods" / string_at(get("a"), {"metadata", "uid"});
  EXPECT_TRUE(std::filesystem::exists(files));
  remove("a");
  turn(loop);
  EXPECT_FALSE(std::filesystem::exists(files));
}

TEST_F(NodeTest, MorePodsThanTheNodeTakesStayUnschedulableUntilOneEnds) {
  options.max_pods = 1;
  start();
  create(pod("a", "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(wait_ready("a"));
  create(pod("b", kForever));
  ASSERT_TRUE(wait([&] {
    const Json b = get("b");
    const Json* conditions = find_path(b, {"status", "conditions"});
    return conditions != nullptr && get_string(conditions->at(0), "reason") == "Unschedulable";
  }));
  remove("a", 10);
  EXPECT_TRUE(wait_ready("b"));
}

TEST_F(NodeTest, StopEndsEveryPodAndLeavesNoProcess) {
  start();
  create(pod("good", "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"));
  create(pod("stubborn", "trap '' TERM; sleep 1000 & while :; do sleep 0.01; done"));
  ASSERT_TRUE(wait_ready("good") && wait_ready("stubborn"));
  const pid_t good = pid_of("good");
  const pid_t stubborn = pid_of("stubborn");
  ASSERT_TRUE(run_until(loop, [&](const std::function<void()>& done) { cluster->stop(done); }));
  EXPECT_FALSE(alive(good));
  EXPECT_FALSE(alive(stubborn));
}

TEST_F(NodeTest, StopTellsProgramsOnceMoreBeforeItKillsThem) {
  options.shutdown_grace = std::chrono::seconds(2);
  start();
  const std::string told = (dir.path() / "told twice").string();
  const std::filesystem::path listens = dir.path() / "listens";
  create(pod("slow",
             "trap 'trap \"touch \\\"" + told + "\\\"; exit 0\" TERM' TERM; : >'" +
                 listens.string() + "'; while :; do sleep 0.01; done",
             {}, ready_with(listens)));
  ASSERT_TRUE(wait_ready("slow"));
  ASSERT_TRUE(run_until(loop, [&](const std::function<void()>& done) { cluster->stop(done); }));
  EXPECT_TRUE(std::filesystem::exists(told));
}

TEST_F(NodeTest, DestructionAloneLeavesNoProcessEither) {
  start();
  create(pod("a", "trap '' TERM; while :; do sleep 0.01; done"));
  ASSERT_TRUE(wait_ready("a"));
  const pid_t pid = pid_of("a");
  cluster.reset();
  EXPECT_FALSE(alive(pid));
}

TEST_F(NodeTest, TwoClustersRunSideBySideButNotInOneDirectory) {
  start();
  const auto same = DevCluster(loop, random, Log(), options).start();
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().reason, "DataDirInUse");
  TempDir other;
  DevClusterOptions second = options;
  second.data_dir = other.path();
  DevCluster beside(loop, random, Log(), second);
  ASSERT_TRUE(beside.start());
  EXPECT_NE(beside.node()->address_range(), cluster->node()->address_range());
  EXPECT_NE(beside.address(), cluster->address());
}

}  // namespace
}  // namespace berth::devcluster
