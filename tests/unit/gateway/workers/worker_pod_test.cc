#include "gateway/workers/worker_pod.h"

#include <gtest/gtest.h>

namespace berth::gateway {
namespace {

Json pod() {
  return Json::parse(R"({
    "metadata": {"name": "w-0", "namespace": "n", "uid": "u1", "labels": {"berth.dev/pool": "p"}},
    "spec": {"containers": [
      {"name": "app", "ports": [{"name": "http", "containerPort": 80}]},
      {"name": "berth-worker", "ports": [{"name": "sessions", "containerPort": 7700}]}]},
    "status": {"phase": "Running", "podIP": "10.1.2.3",
               "conditions": [{"type": "Ready", "status": "True"}]}})");
}

TEST(WorkerPod, IsReadFromAPod) {
  const auto out = WorkerPod::from_json(pod());
  ASSERT_TRUE(out);
  EXPECT_EQ(out->pool_key(), "n/p");
  EXPECT_EQ(out->uid.str(), "u1");
  EXPECT_EQ(out->origin(), "http://10.1.2.3:7700");
  EXPECT_TRUE(out->in_service());
}

TEST(WorkerPod, WithoutTheNamedPortThereIsADefault) {
  Json object = pod();
  object["spec"]["containers"][1].erase("ports");
  EXPECT_EQ(WorkerPod::from_json(object)->port, 7600);
  object["spec"]["containers"][1]["ports"] = {{{"name", "sessions"}, {"containerPort", 70000}}};
  EXPECT_EQ(WorkerPod::from_json(object)->port, 7600);
}

TEST(WorkerPod, Ipv6IsWrittenInBrackets) {
  Json object = pod();
  object["status"]["podIP"] = "fd00::1";
  EXPECT_EQ(WorkerPod::from_json(object)->origin(), "http://[fd00::1]:7700");
}

TEST(WorkerPod, OtherPodsAreOfNoInterest) {
  Json object = pod();
  object["metadata"].erase("labels");
  EXPECT_FALSE(WorkerPod::from_json(object));
  EXPECT_FALSE(WorkerPod::from_json(Json::array()));
}

TEST(WorkerPod, NotReadyDeletingFinishedAndUnscheduledPodsAreNotInService) {
  Json object = pod();
  object["status"]["conditions"][0]["status"] = "False";
  EXPECT_FALSE(WorkerPod::from_json(object)->in_service());
  EXPECT_TRUE(WorkerPod::from_json(object)->reachable());

  object = pod();
  object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_FALSE(WorkerPod::from_json(object)->in_service());
  EXPECT_TRUE(WorkerPod::from_json(object)->reachable());

  object = pod();
  object["status"]["phase"] = "Failed";
  EXPECT_FALSE(WorkerPod::from_json(object)->reachable());

  object = pod();
  object["status"] = Json::object();
  EXPECT_FALSE(WorkerPod::from_json(object)->reachable());
}

// The node controller does so when kubelets cannot report, and leaves ContainersReady as it was.
TEST(WorkerPod, StaysInServiceWhenItsKubeletIsNotHeardOf) {
  Json object = pod();
  Json& conditions = object["status"]["conditions"];
  conditions = Json::parse(
      R"([{"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": "False"}])");
  EXPECT_TRUE(WorkerPod::from_json(object)->in_service());
  conditions[0]["status"] = "False";
  EXPECT_FALSE(WorkerPod::from_json(object)->in_service());
}

TEST(WorkerPod, WithReadinessGatesOnlyReadyCounts) {
  Json object = pod();
  object["spec"]["readinessGates"] = Json::parse(R"([{"conditionType": "example.com/warm"}])");
  object["status"]["conditions"] = Json::parse(
      R"([{"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": "False"}])");
  EXPECT_FALSE(WorkerPod::from_json(object)->in_service());
}

}  // namespace
}  // namespace berth::gateway
