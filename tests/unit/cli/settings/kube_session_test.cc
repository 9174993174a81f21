#include "cli/settings/kube_session.h"

#include "cli/pool/pool_commands.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class KubeSessionTest : public CliTest {
 protected:
  KubeSessionTest() { flags_.kubeconfig = write("config", kExecPlugin); }
  Flags flags_;
};

TEST_F(KubeSessionTest, WhatOnlyKubectlCanDoGoesThroughKubectl) {
  install("kubectl", R"(echo "$@" >> "$TEST_DIR/args"; echo '{"kind": "SessionPool"}')");
  flags_.ns = "team";
  auto session = KubeSession::open(flags_);
  ASSERT_TRUE(session) << session.error().text();
  EXPECT_EQ((*session)->get(kube::kSessionPools, "p").value_or(Json())["kind"], "SessionPool");
  EXPECT_TRUE((*session)->list(kube::kPods, "a=b"));
  EXPECT_TRUE(
      (*session)->merge_patch(kube::kSessionPools, "p", {{"spec", {{"workers", nullptr}}}}));
  const std::string config = "--kubeconfig=" + flags_.kubeconfig + " ";
  EXPECT_EQ(read("args"),
            config + "get sessionpools.berth.dev p --output=json --namespace=team\n" + config +
                "get pods --selector=a=b --output=json --namespace=team\n" + config +
                "patch sessionpools.berth.dev p --type=merge "
                "--patch={\"spec\":{\"workers\":null}} --output=json --namespace=team\n");
}

TEST_F(KubeSessionTest, WhoNamedNoClusterIsToldThatNoDevRunsEither) {
  install("kubectl", "echo refused >&2; exit 1");
  auto session = KubeSession::open({});
  ASSERT_TRUE(session) << session.error().text();
  const auto pool = (*session)->get(kube::kSessionPools, "p");
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().message,
            "no `berth dev` runs under the name 'dev', and reading p with kubectl: refused");
  const auto named = (*KubeSession::open(flags_))->get(kube::kSessionPools, "p");
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().message, "reading p with kubectl: refused");
}

TEST_F(KubeSessionTest, WithoutKubectlTheErrorIsThatOfTheKubeconfig) {
  set("PATH", dir_ / "bin");
  const auto session = KubeSession::open(flags_);
  ASSERT_FALSE(session);
  EXPECT_THAT(session.error().text(), HasSubstr("exec"));
}

TEST_F(KubeSessionTest, PoolScaleSaysWhatItDidAndFailsWhenKubectlDoes) {
  install("kubectl", R"(echo "$@" >> "$TEST_DIR/args"; echo '{}')");
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(pool_scale(flags_, "p", 3), 0);
  EXPECT_EQ(pool_scale(flags_, "p", std::nullopt), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "sessionpool/p fixed at 3 workers\nsessionpool/p scales by itself again\n");
  EXPECT_THAT(read("args"), HasSubstr("{\"spec\":{\"workers\":3}}"));
  install("kubectl", "echo 'Error from server (NotFound): nope' >&2; exit 1");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(pool_scale(flags_, "p", 3), 1);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("nope"));
}

TEST_F(KubeSessionTest, WhatIsNotThereIsToldAsElsewhereAndWhatElseIsNotThereIsNot) {
  install("kubectl", R"(
case "$*" in
*sessionpools*) echo 'Error from server (NotFound): sessionpools.berth.dev "p" not found' >&2 ;;
*) echo 'Error from server (NotFound): pods "p-0" not found' >&2 ;;
esac
exit 1)");
  flags_.ns = "team";
  const auto session = *KubeSession::open(flags_);
  EXPECT_EQ(session->get(kube::kSessionPools, "p").error().text(),
            "PoolNotFound: there is no pool team/p; see `berth pool list`");
  EXPECT_EQ(session->merge_patch(kube::kSessionPools, "p", Json::object()).error().text(),
            "PoolNotFound: there is no pool team/p; see `berth pool list`");
  EXPECT_EQ(session->get(kube::kPods, "p-0").error().text(),
            "WorkerNotFound: there is no worker team/p-0; `berth top` names them");
  install("kubectl",
          "echo 'Error from server (NotFound): namespaces \"team\" not found' >&2; exit 1");
  EXPECT_THAT(session->get(kube::kSessionPools, "p").error().text(), HasSubstr("namespaces"));
}

TEST_F(KubeSessionTest, PoolDescribeShowsConditionsAndWorkers) {
  install("kubectl", R"(
case "$*" in
*pods*) cat <<END
{"items": [{"metadata": {"name": "p-0", "labels": {"berth.dev/revision": "abc"}},
            "status": {"phase": "Running", "podIP": "10.0.0.7"}}]}
END
;;
*) cat <<END
{"metadata": {"name": "p", "namespace": "team"},
 "status": {"workers": {"desired": 2, "current": 1, "ready": 1, "draining": 0},
            "slots": {"capacity": 4, "used": 3, "free": 1}, "waiting": 5,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "fine"}]}}
END
;;
esac)");
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(pool_describe(flags_, "p", Output::kTable), 0);
  const std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(text, HasSubstr("Name:       team/p\n"));
  EXPECT_THAT(text, HasSubstr("Workers:    2 desired, 1 current, 1 ready, 0 draining\n"));
  EXPECT_THAT(text, HasSubstr("Slots:      3 used, 1 free of 4\n"));
  EXPECT_THAT(text, HasSubstr("  Ready      True    Ready   fine\n"));
  EXPECT_THAT(text, HasSubstr("p-0"));
  EXPECT_THAT(text, HasSubstr("10.0.0.7"));
}

}  // namespace
}  // namespace berth::cli
