#pragma once

#include <signal.h>

#include <cerrno>

#include "devcluster/cluster.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/devcluster/loop_support.h"

namespace berth::devcluster {

inline constexpr const char* kToken = "a-token-for-tests-only";

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
  /// For a container that is ready when its script has made the file: Running it is earlier.
  static Json ready_with(const std::filesystem::path& file) {
    return {{"readinessProbe",
             {{"exec", {{"command", {"test", "-e", file.string()}}}}, {"periodSeconds", 1}}}};
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

}  // namespace berth::devcluster
