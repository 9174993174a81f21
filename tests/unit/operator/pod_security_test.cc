#include "operator/render/worker_pod.h"

#include <gtest/gtest.h>

namespace berth::op {
namespace {

api::SessionPool pool_with(const Json& pod_template) {
  Json spec = {{"sessions", {{"maxPerWorker", 2}}}, {"scaling", {{"maxWorkers", 3}}}};
  if (!pod_template.is_null()) {
    spec["template"] = pod_template;
  }
  auto pool = api::SessionPool::parse(
      {{"metadata", {{"name", "files"}, {"namespace", "team"}}}, {"spec", spec}});
  EXPECT_TRUE(pool) << pool.error().text();
  return *pool;
}

Json rendered(const Json& pod_template = nullptr) {
  return render_worker_pod(pool_with(pod_template), "files-0", {});
}

const Json& container(const Json& pod) {
  return pod["spec"]["containers"][0];
}

// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
TEST(PodSecurity, MeetsTheRestrictedPodSecurityLevel) {
  const Json pod = rendered();
  EXPECT_EQ(pod["spec"]["securityContext"],
            Json({{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}));
  EXPECT_EQ(container(pod)["securityContext"], Json({{"allowPrivilegeEscalation", false},
                                                     {"readOnlyRootFilesystem", true},
                                                     {"capabilities", {{"drop", {"ALL"}}}}}));
  for (const Json& volume : pod["spec"]["volumes"]) {
    EXPECT_TRUE(volume.contains("emptyDir") || volume.contains("configMap")) << volume;
  }
}

TEST(PodSecurity, GetsNoTokenOfTheApiServer) {
  EXPECT_EQ(rendered()["spec"]["automountServiceAccountToken"], false);
}

TEST(PodSecurity, MayWriteToTmpAlthoughItsRootIsReadOnly) {
  const Json pod = rendered();
  bool mounted = false;
  for (const Json& mount : container(pod)["volumeMounts"]) {
    mounted = mounted || (mount["mountPath"] == "/tmp" && mount["name"] == "berth-tmp");
  }
  EXPECT_TRUE(mounted);
}

TEST(PodSecurity, LeavesWhatTheTemplateSaysAboutSecurity) {
  const Json pod = rendered({{"spec",
                              {{"automountServiceAccountToken", true},
                               {"securityContext", {{"runAsUser", 7}, {"runAsNonRoot", false}}},
                               {"containers",
                                {{{"name", "berth-worker"},
                                  {"securityContext", {{"readOnlyRootFilesystem", false}}}}}}}}});
  EXPECT_EQ(pod["spec"]["automountServiceAccountToken"], true);
  EXPECT_EQ(pod["spec"]["securityContext"]["runAsNonRoot"], false);
  EXPECT_EQ(pod["spec"]["securityContext"]["runAsUser"], 7);
  EXPECT_EQ(pod["spec"]["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
  EXPECT_EQ(container(pod)["securityContext"]["readOnlyRootFilesystem"], false);
  EXPECT_EQ(container(pod)["securityContext"]["allowPrivilegeEscalation"], false);
}

}  // namespace
}  // namespace berth::op
