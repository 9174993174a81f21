#include "cli/settings/settings.h"

#include "cli/settings/config_command.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class SettingsTest : public CliTest {
 protected:
  Flags flags_;
};

TEST_F(SettingsTest, AGivenGatewayGoesBeforeTheVariableAndThatBeforeBerthDev) {
  pretend_dev();
  EXPECT_EQ(find_target(flags_).gateway, "http://127.0.0.1:7070");
  EXPECT_EQ(find_target(flags_).why, "`berth dev`");
  set("BERTH_GATEWAY", "http://variable:1");
  EXPECT_EQ(find_target(flags_).gateway, "http://variable:1");
  EXPECT_EQ(find_target(flags_).why, "BERTH_GATEWAY");
  flags_.gateway = "http://flag:1";
  EXPECT_EQ(find_target(flags_).gateway, "http://flag:1");
  EXPECT_EQ(find_target(flags_).why, "--gateway");
}

TEST_F(SettingsTest, ANamedClusterGoesBeforeBerthDev) {
  pretend_dev();
  flags_.context = "prod";
  EXPECT_EQ(find_target(flags_).way, Target::Way::kKubectl);
  flags_.context.clear();
  flags_.kubeconfig = "/k";
  EXPECT_EQ(find_target(flags_).way, Target::Way::kKubectl);
}

TEST_F(SettingsTest, WithNothingGivenAndNoBerthDevItIsKubectlAsTheDefaultServiceAccount) {
  const Target t = find_target(flags_);
  EXPECT_EQ(t.way, Target::Way::kKubectl);
  EXPECT_EQ(t.token, Target::Token::kServiceAccount);
  EXPECT_EQ(t.service_account, "default");
  EXPECT_EQ(t.ns, "") << "that of the context";
}

TEST_F(SettingsTest, TheTokenOfAFlagGoesBeforeTheVariablesAndThoseBeforeKubectl) {
  EXPECT_EQ(find_target(flags_).token, Target::Token::kServiceAccount);
  set("BERTH_TOKEN_FILE", "/variable");
  EXPECT_EQ(find_target(flags_).token_file, "/variable");
  set("BERTH_TOKEN", "secret");
  EXPECT_EQ(find_target(flags_).token, Target::Token::kEnvironment);
  flags_.service_account = "ci";
  EXPECT_EQ(find_target(flags_).token, Target::Token::kServiceAccount);
  EXPECT_EQ(find_target(flags_).service_account, "ci");
  flags_.token_file = "/flag";
  EXPECT_EQ(find_target(flags_).token, Target::Token::kFile);
  EXPECT_EQ(find_target(flags_).token_file, "/flag");
}

TEST_F(SettingsTest, BerthDevBringsItsOwnToken) {
  pretend_dev();
  set("BERTH_TOKEN", "for another gateway");
  const auto connection = connect(flags_);
  ASSERT_TRUE(connection) << connection.error().text();
  EXPECT_EQ(connection->token(), "dev-secret");
  EXPECT_EQ(connection->ns(), "default");
  EXPECT_TRUE(connection->direct());
}

TEST_F(SettingsTest, TheNamespaceOfAFlagGoesBeforeTheVariable) {
  set("BERTH_NAMESPACE", "variable");
  EXPECT_EQ(find_target(flags_).ns, "variable");
  flags_.ns = "flag";
  EXPECT_EQ(find_target(flags_).ns, "flag");
}

TEST_F(SettingsTest, AGatewayWithoutATokenIsAskedWithoutOne) {
  flags_.gateway = "http://gw:1";
  const auto connection = connect(flags_);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->token(), "");
  EXPECT_FALSE(connection->direct()) << "workers may be out of reach from here";
}

TEST_F(SettingsTest, AGatewayOutsideWithATokenOfAServiceAccountNeedsNoForwarding) {
  install("kubectl", "case \"$*\" in *port-forward*) exit 1;; esac; echo a-token");
  flags_.gateway = "http://gw:1";
  flags_.service_account = "ci";
  const auto connection = connect(flags_);
  ASSERT_TRUE(connection) << connection.error().text();
  EXPECT_EQ(connection->gateway(), "http://gw:1");
  EXPECT_EQ(connection->token(), "a-token");
}

TEST_F(SettingsTest, ThroughKubectlAllComesFromKubectl) {
  install("kubectl", R"(echo "$@" >> "$TEST_DIR/args"
case "$*" in
*view*) printf team;;
*create*) echo a-token;;
*) echo "Forwarding from 127.0.0.1:40001 -> 80"; exec sleep 1000;;
esac)");
  flags_.context = "prod";
  flags_.gateway_service = "gw:80";
  flags_.gateway_namespace = "b";
  const auto connection = connect(flags_);
  ASSERT_TRUE(connection) << connection.error().text();
  EXPECT_EQ(connection->gateway(), "http://127.0.0.1:40001");
  EXPECT_EQ(connection->ns(), "team");
  EXPECT_EQ(connection->token(), "a-token");
  EXPECT_THAT(read("args"), HasSubstr("--context=prod create token default --namespace=team"));
  EXPECT_THAT(read("args"), HasSubstr("--namespace=b --address=127.0.0.1 service/gw :80"));
  EXPECT_EQ(connection->server_name(), "");
  flags_.ca_file = "/ca.crt";
  const auto with_tls = connect(flags_);
  ASSERT_TRUE(with_tls) << with_tls.error().text();
  EXPECT_EQ(with_tls->gateway(), "https://127.0.0.1:40001");
  EXPECT_EQ(with_tls->server_name(), "gw.b.svc");
  const auto options = client_options(*with_tls, "p");
  EXPECT_EQ(options.ca_file, "/ca.crt");
  EXPECT_EQ(options.gateway_server_name, "gw.b.svc");
  for (const char* wrong : {"gw:", "gw:x", "gw:0", "gw:70000", "gw:80x"}) {
    flags_.gateway_service = wrong;
    const auto refused = connect(flags_);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().field, "--gateway-service");
  }
}

TEST_F(SettingsTest, WithNothingAtAllTheErrorNamesEveryWay) {
  set("PATH", dir_ / "bin");
  const auto none = connect(flags_);
  ASSERT_FALSE(none);
  for (const char* part : {"'dev'", "BERTH_GATEWAY", "kubectl", "--gateway", "--token-file"}) {
    EXPECT_THAT(none.error().message, HasSubstr(part));
  }
}

TEST_F(SettingsTest, AMissingTokenFileIsAnErrorWithItsName) {
  flags_.gateway = "http://gw:1";
  flags_.token_file = dir_ / "absent";
  EXPECT_THAT(connect(flags_).error().text(), HasSubstr("absent"));
}

TEST_F(SettingsTest, BerthConfigPrintsWhatWouldBeUsedAndNoSecret) {
  set("BERTH_TOKEN", "secret");
  const std::string text = config_text(flags_, find_target(flags_));
  EXPECT_THAT(text, HasSubstr("kubectl port-forward --namespace=berth-system "
                              "service/berth-gateway"));
  EXPECT_THAT(text, HasSubstr("$BERTH_TOKEN"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("secret")));
  flags_.gateway = "http://gw:1";
  flags_.ns = "team";
  EXPECT_EQ(config_text(flags_, find_target(flags_)),
            "SETTING     VALUE            FROM\n"
            "gateway     http://gw:1      --gateway\n"
            "token       $BERTH_TOKEN\n"
            "namespace   team\n"
            "kubeconfig  kubectl's own\n"
            "context     the current one\n");
}

}  // namespace
}  // namespace berth::cli
