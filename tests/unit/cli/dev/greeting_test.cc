#include "cli/dev/greeting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json pool(const std::string& ns, const std::string& name, bool exec) {
  return {{"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec", {{"worker", {{"exec", exec}}}}}};
}

Running running(std::vector<Json> pools) {
  Running r;
  r.name = "dev";
  r.program = "/bin/berth";
  r.gateway = "http://127.0.0.1:7070";
  r.gateway_probes = "http://127.0.0.1:1";
  r.operator_probes = "http://127.0.0.1:2";
  r.token_file = "/state/token";
  r.kubeconfig = "/state/kubeconfig";
  r.pools = std::move(pools);
  return r;
}

TEST(Greeting, ThreeLinesToCopy) {
  const std::string text = greeting(running({pool("default", "p", true)}));
  EXPECT_THAT(text, HasSubstr("curl -X POST -H \"Authorization: Bearer $(cat /state/token)\" -d "
                              "'{}' http://127.0.0.1:7070/v1/namespaces/default/pools/p/sessions"
                              "\n"));
  EXPECT_THAT(text, HasSubstr(" /bin/berth session run --pool p -- uname -a\n"));
  EXPECT_THAT(text, HasSubstr(" curl http://127.0.0.1:1/metrics http://127.0.0.1:2/metrics\n"));
}

TEST(Greeting, ThePoolIsOneThatRunsCommandsInItsNamespaceUnderThisName) {
  Running r = running({pool("default", "files", false), pool("team", "shell", true)});
  r.name = "two";
  const std::string text = greeting(r);
  EXPECT_THAT(text,
              HasSubstr(" /bin/berth --dev two -n team session run --pool shell -- uname -a\n"));
  EXPECT_THAT(text, HasSubstr("/v1/namespaces/team/pools/shell/sessions\n"));
}

TEST(Greeting, APoolThatRunsNoCommandsHasASessionToKeep) {
  const std::string text = greeting(running({pool("default", "files", false)}));
  EXPECT_THAT(text, HasSubstr(" /bin/berth session create --pool files --keep $$\n"));
  EXPECT_THAT(text, Not(HasSubstr("session run")));
}

TEST(Greeting, WithoutAPoolTheWayToMakeOne) {
  const std::string text = greeting(running({}));
  EXPECT_THAT(text, HasSubstr(" kubectl --kubeconfig /state/kubeconfig apply -f pool.yaml\n"));
  EXPECT_THAT(text, Not(HasSubstr("/pools/")));
}

TEST(Greeting, PathsThatAShellWouldCutAreQuoted) {
  Running r = running({pool("default", "p", true)});
  r.program = "/my bin/berth";
  r.token_file = "/my state/token";
  const std::string text = greeting(r);
  EXPECT_THAT(text, HasSubstr("$(cat '/my state/token')"));
  EXPECT_THAT(text, HasSubstr(" '/my bin/berth' session run"));
}

}  // namespace
}  // namespace berth::cli
