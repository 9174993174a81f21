#include "operator/render/worker_pod.h"

#include <gtest/gtest.h>

namespace berth::op {
namespace {

using namespace std::chrono_literals;

api::SessionPool pool() {
  api::SessionPool p;
  p.name = "files";
  p.ns = "ns";
  p.uid = "u";
  p.worker.sessions.max_per_worker = 4;
  p.scaling.max_workers = 6;
  p.drain.timeout = 90s;
  return p;
}

Json render(const api::SessionPool& p) {
  return render_worker_pod(p, "files-0", {});
}

const Json* named(const Json& list, const std::string& key, const std::string& value) {
  for (const Json& item : list) {
    if (item.value(key, "") == value) {
      return &item;
    }
  }
  return nullptr;
}

TEST(PoolRevision, CoversWhatMakesAWorker) {
  const std::string before = pool_revision(pool());
  const auto after = [](const auto& change) {
    api::SessionPool p = pool();
    change(p);
    return pool_revision(p);
  };
  EXPECT_NE(before, after([](auto& p) { p.pod_template = {{"metadata", Json::object()}}; }));
  EXPECT_NE(before, after([](auto& p) { p.worker_image = "other"; }));
  EXPECT_NE(before, after([](auto& p) { p.worker_resources = {{"limits", {{"cpu", "1"}}}}; }));
  EXPECT_NE(before, after([](auto& p) { p.worker.exec = true; }));
  EXPECT_NE(before, after([](auto& p) { p.worker_tls_secret = "pair"; }));
  EXPECT_NE(before, after([](auto& p) { p.worker.sessions.max_per_worker = 5; }));
  EXPECT_NE(before, after([](auto& p) { p.worker.sessions.resources = {{"gpu", 1}}; }));
  EXPECT_NE(before, after([](auto& p) { p.worker.sessions.idle_timeout = 1min; }));
}

TEST(PoolRevision, IsTheSameWhateverScalesRollsOrDrains) {
  api::SessionPool p = pool();
  p.scaling.min_workers = 2;
  p.scaling.max_workers = 60;
  p.scaling.free_slots = {25, true};
  p.scaling.schedules = {{"s", *api::Cron::parse("* * * * *"), "UTC", 1h, 1}};
  p.workers = 3;
  p.rollout.max_surge = {1, false};
  p.drain.timeout = 5h;
  p.drain.policy = api::DrainPolicy::kEnd;
  p.generation = 9;
  p.status = {{"waiting", 1}};
  EXPECT_EQ(pool_revision(p), pool_revision(pool()));
}

TEST(WorkerPod, KeepsAutoscalersOfNodesAwayUnlessTheTemplateSaysOtherwise) {
  const Json annotations = render(pool()).at("metadata").at("annotations");
  EXPECT_EQ(annotations.at("cluster-autoscaler.kubernetes.io/safe-to-evict"), "false");
  EXPECT_EQ(annotations.at("karpenter.sh/do-not-disrupt"), "true");
  api::SessionPool p = pool();
  p.pod_template = {
      {"metadata",
       {{"annotations", {{"cluster-autoscaler.kubernetes.io/safe-to-evict", "true"}}}}}};
  EXPECT_EQ(render(p)
                .at("metadata")
                .at("annotations")
                .at("cluster-autoscaler.kubernetes.io/safe-to-evict"),
            "true");
}

TEST(WorkerPod, ToleratesALostNodeForTheDrainTimeout) {
  const Json tolerations = render(pool()).at("spec").at("tolerations");
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const Json* t = named(tolerations, "key", key);
    ASSERT_NE(t, nullptr) << key;
    EXPECT_EQ(t->at("tolerationSeconds"), 90);
    EXPECT_EQ(t->at("effect"), "NoExecute");
  }
}

TEST(WorkerPod, ATolerationOfTheTemplateWins) {
  api::SessionPool p = pool();
  p.pod_template = {{"spec",
                     {{"tolerations",
                       {{{"key", "node.kubernetes.io/not-ready"},
                         {"operator", "Exists"},
                         {"effect", "NoExecute"},
                         {"tolerationSeconds", 5}}}}}}};
  EXPECT_EQ(render(p).at("spec").at("tolerations").size(), 2U);
  p.pod_template["spec"]["tolerations"] = {{{"operator", "Exists"}}};
  EXPECT_EQ(render(p).at("spec").at("tolerations").size(), 1U) << "it tolerates everything";
}

TEST(WorkerPod, OtherContainersLiveUntilTheSessionsHaveEnded) {
  api::SessionPool p = pool();
  p.pod_template = {{"spec",
                     {{"containers",
                       {{{"name", "app"}, {"image", "a"}},
                        {{"name", "own"},
                         {"image", "b"},
                         {"lifecycle", {{"preStop", {{"exec", {{"command", {"true"}}}}}}}}}}}}}};
  const Json containers = render(p).at("spec").at("containers");
  const Json app = *named(containers, "name", "app");
  EXPECT_EQ(app.at("lifecycle").at("preStop").at("httpGet").at("path"), "/drained");
  EXPECT_EQ(app.at("lifecycle").at("preStop").at("httpGet").at("port"), api::kWorkerProbePort);
  EXPECT_TRUE(named(containers, "name", "own")->at("lifecycle").at("preStop").contains("exec"));
  EXPECT_FALSE(named(containers, "name", api::kWorkerContainer)->contains("lifecycle"));
}

TEST(WorkerPod, ServesTlsWithTheSecretOfItsPool) {
  EXPECT_EQ(dump_json(render(pool())).find("tls"), std::string::npos);
  api::SessionPool p = pool();
  p.worker_tls_secret = "berth-workers-tls";
  const Json pod = render(p);
  EXPECT_EQ(pod.at("metadata").at("annotations").at("berth.dev/tls"), "true");
  const Json& worker = pod.at("spec").at("containers").at(0);
  const Json* mount = named(worker.at("volumeMounts"), "name", "berth-tls");
  ASSERT_NE(mount, nullptr);
  EXPECT_EQ(mount->at("readOnly"), true);
  EXPECT_EQ(mount->count("subPath"), 0U) << "it would not follow a changed Secret";
  const std::string folder = mount->at("mountPath");
  EXPECT_EQ(named(worker.at("env"), "name", "BERTH_TLS_CERTIFICATE")->at("value"),
            folder + "/tls.crt");
  EXPECT_EQ(named(worker.at("env"), "name", "BERTH_TLS_KEY")->at("value"), folder + "/tls.key");
  const Json& secret = named(pod.at("spec").at("volumes"), "name", "berth-tls")->at("secret");
  EXPECT_EQ(secret.at("secretName"), "berth-workers-tls");
  EXPECT_EQ(secret.at("defaultMode"), 0444) << "its files are root's, and the worker is not root";
  EXPECT_EQ(named(worker.at("ports"), "name", "probes")->at("containerPort"), 7601);
}

}  // namespace
}  // namespace berth::op
