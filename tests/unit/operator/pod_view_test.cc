#include "operator/model/pod_view.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

Json pod() {
  return {{"metadata",
           {{"name", "files-0"},
            {"namespace", "ns"},
            {"uid", "u"},
            {"resourceVersion", "5"},
            {"creationTimestamp", "2026-03-02T08:00:00Z"},
            {"labels", {{"berth.dev/pool", "files"}, {"berth.dev/revision", "r1"}}}}},
          {"spec", {{"nodeName", "n1"}}},
          {"status",
           {{"phase", "Running"},
            {"startTime", "2026-03-02T08:00:05Z"},
            {"conditions", Json::array({{{"type", "Ready"},
                                         {"status", "False"},
                                         {"lastTransitionTime", "2026-03-02T08:00:05Z"}}})},
            {"containerStatuses",
             Json::array(
                 {{{"name", "berth-worker"},
                   {"restartCount", 3},
                   {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
                   {"lastState", {{"terminated", {{"finishedAt", "2026-03-02T08:01:00Z"}}}}}}})}}}};
}
Json& ready_of(Json& p) {
  return p["status"]["conditions"][0];
}

TEST(PodView, APodThatWasNeverReadyIsKnownByTheTimeOfItsCondition) {
  Json p = pod();
  EXPECT_TRUE(PodView::from(p)->never_ready);
  EXPECT_FALSE(PodView::from(p)->never_started);
}

TEST(PodView, AConditionThatChangedSinceTheStartMeansThatItWasReadyOnce) {
  Json p = pod();
  ready_of(p)["lastTransitionTime"] = "2026-03-02T08:00:09Z";
  EXPECT_FALSE(PodView::from(p)->never_ready);
}

TEST(PodView, WithoutTheKubeletsWordNothingIsSaidAboutReadiness) {
  Json p = pod();
  p["status"].erase("startTime");
  EXPECT_FALSE(PodView::from(p)->never_ready);
  p = pod();
  p["status"].erase("conditions");
  EXPECT_FALSE(PodView::from(p)->never_ready);
  p = pod();
  ready_of(p)["status"] = "True";
  EXPECT_FALSE(PodView::from(p)->never_ready);
}

TEST(PodView, SaysWhyTheContainerDoesNotRun) {
  Json p = pod();
  EXPECT_EQ(PodView::from(p)->trouble, "CrashLoopBackOff");
  p["status"]["containerStatuses"][0]["state"] = {{"waiting", {{"reason", "ContainerCreating"}}}};
  EXPECT_EQ(PodView::from(p)->trouble, "") << "no bad news";
}

TEST(PodView, AContainerThatEndedIsQuoted) {
  Json p = pod();
  Json& ended = p["status"]["containerStatuses"][0]["lastState"]["terminated"];
  ended["message"] = "the key\nis not there\n";
  EXPECT_EQ(PodView::from(p)->trouble, "CrashLoopBackOff: the key is not there");
  ended["message"] = std::string(10'000, 'x');
  EXPECT_LT(PodView::from(p)->trouble.size(), 500U);
}

TEST(PodView, ReadsADisruptionTarget) {
  Json p = pod();
  EXPECT_EQ(PodView::from(p)->disruption_target, "");
  p["status"]["conditions"].push_back(
      {{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "PreemptionByScheduler"}});
  EXPECT_EQ(PodView::from(p)->disruption_target, "PreemptionByScheduler");
}

TEST(PodView, ReadsAPersonsAnnotations) {
  Json p = pod();
  p["metadata"]["annotations"] = {{"berth.dev/drain", "true"}};
  EXPECT_TRUE(PodView::from(p)->person_drain);
  EXPECT_FALSE(PodView::from(p)->person_cordon);
}

class MakeWorker : public testing::Test {
 protected:
  Worker make(const NodeState& node) { return make_worker(*PodView::from(pod()), node, clock_); }
  fakes::ManualClock clock_;
  static NodeView ready() {
    NodeView v;
    v.ready = true;
    return v;
  }
  NodeView healthy_ = ready();
};

TEST_F(MakeWorker, AContainerThatIsDownCountsOnlyWhileItsKubeletHeartbeats) {
  EXPECT_TRUE(make({&healthy_, false}).stopped_since);
  healthy_.ready = false;
  EXPECT_FALSE(make({&healthy_, false}).stopped_since);
  EXPECT_FALSE(make({}).stopped_since);
}

TEST_F(MakeWorker, ANodeIsLostWhenItIsGoneOrOutOfService) {
  EXPECT_FALSE(make({}).node_lost) << "nothing is known";
  EXPECT_FALSE(make({&healthy_, false}).node_lost);
  EXPECT_TRUE(make({nullptr, true}).node_lost);
  healthy_.out_of_service = true;
  EXPECT_TRUE(make({&healthy_, false}).node_lost);
}

TEST_F(MakeWorker, ItsNodesLeavingIsItsOwn) {
  healthy_.leaving = "is cordoned";
  EXPECT_EQ(make({&healthy_, false}).leaving, "node n1 is cordoned");
  const TimePoint created = make({}).created_at;
  EXPECT_EQ(make({&healthy_, false, created + 1s}).leaving, "node n1 is cordoned");
  EXPECT_EQ(make({&healthy_, false, created - 1s}).leaving, "")
      << "it was put there by its tolerations and would only come back";
}

TEST(PodView, AWorkerWithTlsIsReachedByHttpsAndByTheNameOfItsNamespace) {
  Json p = pod();
  p["status"]["podIP"] = "10.1.2.3";
  EXPECT_EQ(PodView::from(p)->target(),
            (control::WorkerTarget{"http://10.1.2.3:7600", api::WorkerUid("u"), ""}));
  p["metadata"]["annotations"] = {{"berth.dev/tls", "true"}};
  EXPECT_EQ(
      PodView::from(p)->target(),
      (control::WorkerTarget{"https://10.1.2.3:7600", api::WorkerUid("u"), "workers.ns.berth"}));
}

}  // namespace
}  // namespace berth::op
