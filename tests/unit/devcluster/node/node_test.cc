#include "devcluster/node/node.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <fstream>

#include "devcluster/cluster.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/devcluster/loop_support.h"

namespace berth::devcluster {
namespace {

constexpr const char* kToken = "a-token-for-tests-only";

/// A whole dev cluster with real /bin/sh pods.
class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    options.token = kToken;
    options.data_dir = dir.path();
    options.backoff = {.initial = std::chrono::milliseconds(20),
                       .max = std::chrono::milliseconds(50)};
    options.shutdown_grace = std::chrono::milliseconds(300);
  }
  void start() {
    cluster = std::make_unique<DevCluster>(loop, random, Log(), options);
    const auto started = cluster->start();
    ASSERT_TRUE(started) << started.error().text();
  }
  static Json pod(const std::string& name, const std::string& script, const Json& spec = {},
                  const Json& container = {}) {
    Json c = {{"name", "main"}, {"image", "sh"}, {"command", {"/bin/sh", "-c", script}}};
    c.update(container.is_null() ? Json::object() : container);
    Json s = {{"containers", {c}}};
    s.update(spec.is_null() ? Json::object() : spec);
    return {{"metadata", {{"name", name}}}, {"spec", s}};
  }
  void create(const ResourceType& type, const Json& object) {
    const auto made = cluster->store().create(type, "default", object);
    ASSERT_TRUE(made) << made.error().message;
  }
  void create(const Json& object) { create(pods, object); }
  Json get(const std::string& name) {
    const auto found = cluster->store().get(pods, {"default", name});
    return found ? **found : Json();
  }
  Json container(const std::string& name) {
    const Json object = get(name);
    const Json* list = find_path(object, {"status", "containerStatuses"});
    return list == nullptr || list->empty() ? Json() : list->at(0);
  }
  bool wait(const std::function<bool()>& condition) {
    return run_until_store(loop, cluster->store(), condition);
  }
  bool wait_ready(const std::string& name) {
    return wait([&] { return get_bool(container(name), "ready").value_or(false); });
  }
  bool wait_phase(const std::string& name, const std::string& phase) {
    return wait([&] { return string_at(get(name), {"status", "phase"}) == phase; });
  }
  bool wait_gone(const std::string& name) {
    return wait([&] { return get(name).is_null(); });
  }
  void remove(const std::string& name, std::optional<std::int64_t> grace = {}) {
    ASSERT_TRUE(cluster->store().remove(pods, {"default", name}, {.grace_seconds = grace}));
  }
  pid_t pid_of(const std::string& name) {
    const std::string id = get_string(container(name), "containerID").value_or("process://0");
    return std::stoi(id.substr(std::string("process://").size()));
  }
  static bool alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }
  std::string log(const std::string& name, const std::string& query = "") {
    http::Request request;
    request.method = "GET";
    request.target = "/api/v1/namespaces/default/pods/" + name + "/log" + query;
    request.headers.set("Authorization", std::string("Bearer ") + kToken);
    const auto answer = call(loop, *transport, "http://" + cluster->address(), request);
    return answer ? answer->body : answer.error().text();
  }
  std::string waiting_reason(const std::string& name) {
    return string_at(container(name), {"state", "waiting", "reason"});
  }

  TempDir dir;
  AsioLoop loop;
  fakes::SeededRandom random;
  DevClusterOptions options;
  std::unique_ptr<http::Transport> transport = http::make_beast_transport(loop);
  std::unique_ptr<DevCluster> cluster;
  const ResourceType& pods = type_of("pods");
  const ResourceType& configs = type_of("configmaps");
  static constexpr const char* kForever = "echo up; while :; do sleep 0.01; done";
};

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

TEST_F(NodeTest, EnvironmentComesFromTheOwnerThePodAndConfigMaps) {
  options.extra_env = {{"BERTH_LISTEN_HOST", "{podIP}"}};
  start();
  create(configs, {{"metadata", {{"name", "c"}}}, {"data", {{"k", "value"}}}});
  create(
      pod("a", "echo $BERTH_LISTEN_HOST $NAME $KEY $ARG", {{"restartPolicy", "Never"}},
          {{"env",
            {{{"name", "NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}},
             {{"name", "KEY"}, {"valueFrom", {{"configMapKeyRef", {{"name", "c"}, {"key", "k"}}}}}},
             {{"name", "ARG"}, {"value", "$(NAME)!"}}}}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), string_at(get("a"), {"status", "podIP"}) + " a value a!\n");
}

TEST_F(NodeTest, AnImageIsAProgram) {
  options.images = {{"berth.local/echo", "/bin/echo"}};
  start();
  Json object = pod("a", "", {{"restartPolicy", "Never"}},
                    {{"image", "berth.local/echo"}, {"args", {"hello"}}});
  object["spec"]["containers"][0].erase("command");
  create(object);
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "hello\n");
}

TEST_F(NodeTest, AnUnknownImageIsErrImagePullAndSaysWhatToDo) {
  start();
  Json object = pod("a", "");
  object["spec"]["containers"][0].erase("command");
  create(object);
  ASSERT_TRUE(wait([&] { return waiting_reason("a") == "ErrImagePull"; }));
  EXPECT_NE(string_at(container("a"), {"state", "waiting", "message"}).find("\"sh\""),
            std::string::npos);
  EXPECT_EQ(string_at(get("a"), {"status", "phase"}), "Pending");
  remove("a", 1);
  EXPECT_TRUE(wait_gone("a"));
}

TEST_F(NodeTest, AProgramThatIsNotThereIsCreateContainerError) {
  start();
  create(pod("a", "", {}, {{"command", {"no-such-program"}}}));
  create(pod("b", "", {}, {{"command", {"/no/such/program"}}}));
  EXPECT_TRUE(wait([&] { return waiting_reason("a") == "CreateContainerError"; }));
  EXPECT_TRUE(wait([&] { return waiting_reason("b") == "CreateContainerError"; }));
}

TEST_F(NodeTest, ReadinessFollowsTheProbe) {
  start();
  create(pod("a", "while :; do sleep 0.01; done",
             {{"volumes", {{{"name", "d"}, {"emptyDir", Json::object()}}}}},
             {{"volumeMounts", {{{"name", "d"}, {"mountPath", "/d"}}}},
              {"readinessProbe", {{"exec", {{"command", {"test", "-e", "flag"}}}}}}}));
  ASSERT_TRUE(wait_phase("a", "Running"));
  EXPECT_FALSE(container("a").at("ready"));
  std::ofstream(dir.path() / "pods" / string_at(get("a"), {"metadata", "uid"}) /
                "containers/main/flag")
      << "1";
  EXPECT_TRUE(wait_ready("a"));
}

TEST_F(NodeTest, HttpAndTcpProbesReachThePodsAddress) {
  // The API server itself plays the container's server; without a token it answers 401: alive for
  // tcp, not ready for http.
  start();
  const std::size_t colon = cluster->address().rfind(':');
  const int port = std::stoi(cluster->address().substr(colon + 1));
  const Json at = {{"host", "127.0.0.1"}, {"port", port}};
  Json ok = at;
  ok["path"] = std::string("/k/") + kToken + "/healthz";
  create(pod("tcp", kForever, {}, {{"readinessProbe", {{"tcpSocket", at}}}}));
  create(pod("http", kForever, {}, {{"readinessProbe", {{"httpGet", ok}}}}));
  create(pod("bad", kForever, {}, {{"readinessProbe", {{"httpGet", at}}}}));
  EXPECT_TRUE(wait_ready("tcp"));
  EXPECT_TRUE(wait_ready("http"));
  EXPECT_FALSE(container("bad").at("ready"));
}

TEST_F(NodeTest, ACrashingContainerIsRestartedAtOnceAndThenWithBackoff) {
  options.backoff = {.initial = std::chrono::hours(1), .max = std::chrono::hours(2)};
  start();
  create(pod("a", "exit 7"));
  ASSERT_TRUE(wait([&] { return waiting_reason("a") == "CrashLoopBackOff"; }));
  EXPECT_EQ(container("a").at("restartCount"), 1) << "the first restart does not wait";
  EXPECT_EQ(container("a").at("lastState").at("terminated").at("exitCode"), 7);
  EXPECT_EQ(container("a").at("lastState").at("terminated").at("reason"), "Error");
  EXPECT_EQ(string_at(get("a"), {"status", "phase"}), "Running");
}

TEST_F(NodeTest, RestartsGoOnWhileItCrashes) {
  start();
  create(pod("a", "exit 1"));
  EXPECT_TRUE(wait([&] { return get_int(container("a"), "restartCount").value_or(0) >= 4; }));
}

TEST_F(NodeTest, RestartPolicyDecidesTheEnd) {
  start();
  create(pod("never", "exit 1", {{"restartPolicy", "Never"}}));
  create(pod("onfailure", "exit 0", {{"restartPolicy", "OnFailure"}}));
  EXPECT_TRUE(wait_phase("never", "Failed"));
  EXPECT_TRUE(wait_phase("onfailure", "Succeeded"));
  EXPECT_EQ(container("never").at("state").at("terminated").at("exitCode"), 1);
}

TEST_F(NodeTest, AnEmptyDirOutlivesAContainerRestart) {
  start();
  create(pod("a", "if [ -e /cache/x ]; then cat /cache/x; else echo kept > /cache/x; exit 1; fi",
             {{"restartPolicy", "OnFailure"},
              {"volumes", {{{"name", "c"}, {"emptyDir", Json::object()}}}}},
             {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/cache"}}}}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "kept\n");
  EXPECT_EQ(container("a").at("restartCount"), 1);
}

TEST_F(NodeTest, AConfigMapVolumeIsUpdatedWhileThePodRuns) {
  start();
  create(configs, {{"metadata", {{"name", "c"}}}, {"data", {{"k", "old"}, {"gone", "x"}}}});
  create(pod(
      "a",
      "echo $(cat /etc/conf/k); while [ $(cat /etc/conf/k) = old ]; do sleep 0.01; done; ls "
      "/etc/conf; cat /etc/conf/k",
      {{"restartPolicy", "Never"}, {"volumes", {{{"name", "c"}, {"configMap", {{"name", "c"}}}}}}},
      {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/etc/conf"}}}}}));
  ASSERT_TRUE(wait_phase("a", "Running"));
  ASSERT_TRUE(cluster->store().edit(configs, {"default", "c"},
                                    [](const Json& current) -> ApiResult<Json> {
                                      Json next = current;
                                      next["data"] = {{"k", "new"}};
                                      return next;
                                    },
                                    {}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_NE(log("a").find("k\nnew"), std::string::npos) << log("a");
}

TEST_F(NodeTest, APodWaitsForAConfigMapThatIsNotThereYet) {
  start();
  create(pod("a", "cat /c/k",
             {{"restartPolicy", "Never"},
              {"volumes", {{{"name", "c"}, {"configMap", {{"name", "late"}}}}}}},
             {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/c"}}}}}));
  ASSERT_TRUE(wait([&] {
    return string_at(container("a"), {"state", "waiting", "message"}).find("late") !=
           std::string::npos;
  }));
  create(configs, {{"metadata", {{"name", "late"}}}, {"data", {{"k", "here"}}}});
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "here");
}

TEST_F(NodeTest, ASecretIsDecodedAndItsPathStaysInside) {
  start();
  create(type_of("secrets"), {{"metadata", {{"name", "s"}}}, {"data", {{"k", "aGVsbG8="}}}});
  const Json mount = {{"volumeMounts", {{{"name", "v"}, {"mountPath", "/v"}}}}};
  const auto volumes = [](const std::string& path) {
    return Json{
        {"restartPolicy", "Never"},
        {"volumes",
         {{{"name", "v"},
           {"secret", {{"secretName", "s"}, {"items", {{{"key", "k"}, {"path", path}}}}}}}}}};
  };
  create(pod("a", "cat /v/sub/file", volumes("sub/file"), mount));
  create(pod("b", "true", volumes("../../escape"), mount));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "hello");
  EXPECT_TRUE(wait([&] { return waiting_reason("b") == "CreateContainerConfigError"; }));
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

TEST_F(NodeTest, LogsHaveATail) {
  start();
  create(pod("a", "echo 1; echo 2; echo 3", {{"restartPolicy", "Never"}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "1\n2\n3\n");
  EXPECT_EQ(log("a", "?tailLines=2"), "2\n3\n");
  EXPECT_EQ(log("a", "?tailLines=0"), "");
  EXPECT_EQ(log("a", "?limitBytes=3"), "1\n2");
  EXPECT_NE(log("a", "?container=other").find("not valid for pod a"), std::string::npos);
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

TEST_F(NodeTest, InitContainersAreRefusedInWords) {
  start();
  create(pod("a", kForever, {{"initContainers", {{{"name", "i"}, {"image", "sh"}}}}}));
  EXPECT_TRUE(wait([&] { return waiting_reason("a") == "CreateContainerConfigError"; }));
}

}  // namespace
}  // namespace berth::devcluster
