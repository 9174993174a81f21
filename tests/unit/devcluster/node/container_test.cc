#include <fstream>

#include "tests/unit/devcluster/node/node_fixture.h"

namespace berth::devcluster {
namespace {

using ContainerTest = NodeTest;

TEST_F(ContainerTest, EnvironmentComesFromTheOwnerThePodAndConfigMaps) {
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

TEST_F(ContainerTest, AnImageIsAProgram) {
  options.images = {{"berth.local/echo", "/bin/echo"}};
  start();
  Json object = pod("a", "", {{"restartPolicy", "Never"}},
                    {{"image", "berth.local/echo"}, {"args", {"hello"}}});
  object["spec"]["containers"][0].erase("command");
  create(object);
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "hello\n");
}

TEST_F(ContainerTest, AnUnknownImageIsErrImagePullAndSaysWhatToDo) {
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

TEST_F(ContainerTest, AProgramThatIsNotThereIsCreateContainerError) {
  start();
  create(pod("a", "", {}, {{"command", {"no-such-program"}}}));
  create(pod("b", "", {}, {{"command", {"/no/such/program"}}}));
  EXPECT_TRUE(wait([&] { return waiting_reason("a") == "CreateContainerError"; }));
  EXPECT_TRUE(wait([&] { return waiting_reason("b") == "CreateContainerError"; }));
}

TEST_F(ContainerTest, ReadinessFollowsTheProbe) {
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

TEST_F(ContainerTest, HttpAndTcpProbesReachThePodsAddress) {
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

TEST_F(ContainerTest, ACrashingContainerIsRestartedAtOnceAndThenWithBackoff) {
  options.backoff = {.initial = std::chrono::hours(1), .max = std::chrono::hours(2)};
  start();
  create(pod("a", "exit 7"));
  ASSERT_TRUE(wait([&] { return waiting_reason("a") == "CrashLoopBackOff"; }));
  EXPECT_EQ(container("a").at("restartCount"), 1) << "the first restart does not wait";
  EXPECT_EQ(container("a").at("lastState").at("terminated").at("exitCode"), 7);
  EXPECT_EQ(container("a").at("lastState").at("terminated").at("reason"), "Error");
  EXPECT_EQ(string_at(get("a"), {"status", "phase"}), "Running");
}

TEST_F(ContainerTest, RestartsGoOnWhileItCrashes) {
  start();
  create(pod("a", "exit 1"));
  EXPECT_TRUE(wait([&] { return get_int(container("a"), "restartCount").value_or(0) >= 4; }));
}

TEST_F(ContainerTest, RestartPolicyDecidesTheEnd) {
  start();
  create(pod("never", "exit 1", {{"restartPolicy", "Never"}}));
  create(pod("onfailure", "exit 0", {{"restartPolicy", "OnFailure"}}));
  EXPECT_TRUE(wait_phase("never", "Failed"));
  EXPECT_TRUE(wait_phase("onfailure", "Succeeded"));
  EXPECT_EQ(container("never").at("state").at("terminated").at("exitCode"), 1);
}

TEST_F(ContainerTest, AnEmptyDirOutlivesAContainerRestart) {
  start();
  create(pod("a", "if [ -e /cache/x ]; then cat /cache/x; else echo kept > /cache/x; exit 1; fi",
             {{"restartPolicy", "OnFailure"},
              {"volumes", {{{"name", "c"}, {"emptyDir", Json::object()}}}}},
             {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/cache"}}}}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "kept\n");
  EXPECT_EQ(container("a").at("restartCount"), 1);
}

TEST_F(ContainerTest, ADataDirectoryWithASpaceBreaksNoCommand) {
  options.data_dir = dir.path() / "my data; $(touch oops)";
  start();
  create(pod(
      "a", "echo kept > /cache/x; cat /cache/x; cp /cache/x .",
      {{"restartPolicy", "Never"}, {"volumes", {{{"name", "c"}, {"emptyDir", Json::object()}}}}},
      {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/cache"}}}}}));
  ASSERT_TRUE(wait([&] {
    const std::string phase = string_at(get("a"), {"status", "phase"});
    return phase == "Succeeded" || phase == "Failed";
  }));
  EXPECT_EQ(string_at(get("a"), {"status", "phase"}), "Succeeded") << log("a");
  EXPECT_EQ(log("a"), "kept\n");
  EXPECT_TRUE(
      std::filesystem::exists(options.data_dir / "pods" / string_at(get("a"), {"metadata", "uid"})))
      << "the files are where they were asked to be";
}

TEST_F(ContainerTest, AConfigMapVolumeIsUpdatedWhileThePodRuns) {
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

TEST_F(ContainerTest, APodWaitsForAConfigMapThatIsNotThereYet) {
  start();
  create(pod("a", "cat /c/k",
             {{"restartPolicy", "Never"},
              {"volumes", {{{"name", "c"}, {"configMap", {{"name", "late"}}}}}}},
             {{"volumeMounts", {{{"name", "c"}, {"mountPath", "/c"}}}}}));
  ASSERT_TRUE(wait([&] {
    return string_at(container("a"), {"state", "waiting", "message"}).find("late") !=
           std::string::npos;
  }));
  const auto events = cluster->store().list(type_of("events"), {});
  ASSERT_TRUE(events);
  EXPECT_EQ(std::count_if(events->items.begin(), events->items.end(),
                          [&](const ObjectPtr& e) {
                            return get_string(*e, "reason") == "FailedMount" &&
                                   get_string(*e, "note")->find("volume \"c\"") !=
                                       std::string::npos &&
                                   string_at(*e, {"regarding", "name"}) == "a";
                          }),
            1)
      << "the kubelet's word, once";
  create(configs, {{"metadata", {{"name", "late"}}}, {"data", {{"k", "here"}}}});
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "here");
}

TEST_F(ContainerTest, ASecretIsDecodedAndItsPathStaysInside) {
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

TEST_F(ContainerTest, AChangedSecretReachesARunningPod) {
  start();
  const ResourceType& secrets = type_of("secrets");
  create(secrets, {{"metadata", {{"name", "s"}}}, {"stringData", {{"k", "old"}}}});
  const std::filesystem::path read = dir.path() / "read";
  Json container = ready_with(read);
  container["volumeMounts"] = {{{"name", "v"}, {"mountPath", "/v"}}};
  create(pod("a",
             "cat /v/k; : >'" + read.string() +
                 "'; until [ \"$(cat /v/k)\" = new ]; do sleep 0.05; done; cat /v/k",
             {{"restartPolicy", "Never"},
              {"volumes", {{{"name", "v"}, {"secret", {{"secretName", "s"}}}}}}},
             container));
  ASSERT_TRUE(wait_ready("a"));
  ASSERT_TRUE(cluster->store().edit(secrets, {"default", "s"},
                                    [](const Json& current) -> ApiResult<Json> {
                                      EXPECT_EQ(find(current, "stringData"), nullptr)
                                          << "only to be written";
                                      Json next = current;
                                      next["data"]["k"] = "bmV3";
                                      return next;
                                    },
                                    {}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "oldnew");
}

TEST_F(ContainerTest, LogsHaveATail) {
  start();
  create(pod("a", "echo 1; echo 2; echo 3", {{"restartPolicy", "Never"}}));
  ASSERT_TRUE(wait_phase("a", "Succeeded"));
  EXPECT_EQ(log("a"), "1\n2\n3\n");
  EXPECT_EQ(log("a", "?tailLines=2"), "2\n3\n");
  EXPECT_EQ(log("a", "?tailLines=0"), "");
  EXPECT_EQ(log("a", "?limitBytes=3"), "1\n2");
  EXPECT_NE(log("a", "?container=other").find("not valid for pod a"), std::string::npos);
}

TEST_F(ContainerTest, InitContainersAreRefusedInWords) {
  start();
  create(pod("a", kForever, {{"initContainers", {{{"name", "i"}, {"image", "sh"}}}}}));
  EXPECT_TRUE(wait([&] { return waiting_reason("a") == "CreateContainerConfigError"; }));
}

}  // namespace
}  // namespace berth::devcluster
