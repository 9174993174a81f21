#include "cli/kubectl/kubectl.h"

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class KubectlTest : public CliTest {
 protected:
  Kubectl kubectl(Flags flags = {}) { return *Kubectl::find(flags); }
};

TEST_F(KubectlTest, IsGivenTheUsersKubeconfigAndContext) {
  install("kubectl", R"(echo "$@" > "$TEST_DIR/args"; echo printed)");
  Flags flags;
  flags.kubeconfig = "/my/config";
  flags.context = "prod";
  EXPECT_EQ(*kubectl(flags).run({"get", "x"}, "reading"), "printed\n");
  EXPECT_EQ(read("args"), "--kubeconfig=/my/config --context=prod get x\n");
}

TEST_F(KubectlTest, ATokenIsAskedForWithAudienceAndLimit) {
  install("kubectl", R"(echo "$@" > "$TEST_DIR/args"; echo warning >&2; echo head.body.mark)");
  EXPECT_EQ(*kubectl().create_token("team", "ci"), "head.body.mark");
  EXPECT_EQ(read("args"), "create token ci --namespace=team --audience=berth --duration=1h\n");
}

TEST_F(KubectlTest, WhatIsNoTokenIsNotUsedAsOne) {
  install("kubectl", "echo two words");
  EXPECT_FALSE(kubectl().create_token("team", "ci"));
  install("kubectl", "true");
  EXPECT_FALSE(kubectl().create_token("team", "ci"));
}

TEST_F(KubectlTest, TheNamespaceIsThatOfTheContextOrDefault) {
  install("kubectl", "printf team");
  EXPECT_EQ(*kubectl().context_namespace(), "team");
  install("kubectl", "true");
  EXPECT_EQ(*kubectl().context_namespace(), "default");
}

TEST_F(KubectlTest, WithoutKubectlTheErrorNamesTheOtherWay) {
  set("PATH", dir_ / "bin");
  const auto none = Kubectl::find({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, "KubectlNotFound");
  EXPECT_THAT(none.error().message, HasSubstr("--gateway"));
}

TEST_F(KubectlTest, WhatItsLibrariesLogIsLeftOut) {
  const Error e = kubectl_error(
      "listing pods",
      "E1128 14:02:29.258797   10537 memcache.go:265] \"Unhandled Error\" err=\"dial tcp\"\n"
      "The connection to the server localhost:8080 was refused\n"
      "did you specify the right host or port?\n");
  EXPECT_EQ(e.message,
            "listing pods with kubectl: The connection to the server localhost:8080 was refused; "
            "did you specify the right host or port?");
  EXPECT_THAT(kubectl_error("x", "E1128 14:02:29.258797 10537 x.go:1] that is all").message,
              HasSubstr("that is all"));
}

TEST_F(KubectlTest, ItsErrorsGetTheirCodeAndTheWayOut) {
  struct Case {
    const char* written;
    ErrorCode code;
    const char* part;
  };
  const Case cases[] = {
      {"error: failed to create token: serviceaccounts \"ci\" is forbidden: User \"u\" cannot "
       "create resource \"serviceaccounts/token\" in API group \"\" in the namespace \"team\"",
       ErrorCode::kPermissionDenied, "the verb create on serviceaccounts/token"},
      {"Error from server (Forbidden): pods \"g\" is forbidden: User \"u\" cannot create resource "
       "\"pods/portforward\" in API group \"\" in the namespace \"berth-system\"",
       ErrorCode::kPermissionDenied, "the verb create on pods/portforward"},
      {"Error from server (NotFound): services \"berth-gateway\" not found", ErrorCode::kNotFound,
       "--gateway-service"},
      {"error: failed to create token: serviceaccounts \"ci\" not found (NotFound)",
       ErrorCode::kNotFound, "--as-service-account"},
      {"error: You must be logged in to the server (Unauthorized)", ErrorCode::kUnauthenticated,
       "logged in"},
      {"Unable to connect to the server: dial tcp: no route", ErrorCode::kUnavailable, "no route"},
      {"error: the server doesn't have a resource type \"sessionpools\"", ErrorCode::kUnavailable,
       "is Berth installed"},
      {"", ErrorCode::kUnavailable, "it wrote nothing"},
  };
  for (const Case& c : cases) {
    const Error e = kubectl_error("doing this", c.written);
    EXPECT_EQ(e.code, c.code) << c.written;
    EXPECT_THAT(e.message, HasSubstr(c.part));
    EXPECT_THAT(e.message, HasSubstr("doing this"));
  }
}

TEST_F(KubectlTest, AFailureTellsWhatKubectlWrote) {
  install("kubectl", "echo 'error: context \"prod\" does not exist' >&2; exit 1");
  EXPECT_THAT(kubectl().run({"get"}, "reading").error().message,
              HasSubstr("context \"prod\" does not exist"));
}

}  // namespace
}  // namespace berth::cli
