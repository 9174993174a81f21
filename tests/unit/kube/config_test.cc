#include "berth/kube/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "berth/base/base64.h"
#include "berth/base/file.h"
#include "lib/kube/src/base64.h"
#include "lib/kube/src/kubeconfig.h"

namespace berth::kube {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A kubeconfig with one cluster and one user made of these lines.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
         "contexts:\n- name: one\n  context: {cluster: c, user: u, namespace: jobs}\n"
         "- name: two\n  context: {cluster: c, user: nobody}\n"
         "clusters:\n- name: c\n  cluster:\n" +
         cluster + "users:\n- name: u\n  user:\n" + user;
}
const std::string kServer = "    server: https://h:6443/\n";
const std::string kNoUser = "    {}\n";

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("kube-config-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    ::unsetenv("KUBECONFIG");
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::setenv("HOME", folder_.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path put(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    EXPECT_TRUE(write_file_atomic(folder_ / name, text));
    return folder_ / name;
  }
  Result<Config> parse(const std::string& cluster, const std::string& user,
                       const std::string& context = "") {
    return parse_kubeconfig(kubeconfig(cluster, user), folder_ / "config", context);
  }
  fs::path folder_;
};

TEST_F(ConfigTest, ReadsAContextWithDataInline) {
  const auto c = parse(kServer + "    certificate-authority-data: Q0E=\n    tls-server-name: api\n",
                       "    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n");
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->server, "https://h:6443");
  EXPECT_EQ(c->default_namespace, "jobs");
  EXPECT_EQ(c->ca_pem, "CA");
  EXPECT_EQ(c->tls_server_name, "api");
  EXPECT_EQ(c->client_cert_pem, "CERT");
  EXPECT_EQ(c->client_key_pem, "KEY");
}

TEST_F(ConfigTest, RelativePathsAreRelativeToTheFile) {
  put("pki/ca", "CA file");
  const fs::path absolute = put("elsewhere/cert", "CERT file");
  put("key", "KEY file");
  const auto c = parse(kServer + "    certificate-authority: pki/ca\n",
                       "    client-certificate: " + absolute.string() +
                           "\n    client-key: key\n    tokenFile: tok\n");
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->ca_pem, "CA file");
  EXPECT_EQ(c->client_cert_pem, "CERT file");
  EXPECT_EQ(c->client_key_pem, "KEY file");
  EXPECT_EQ(c->token_file, folder_ / "tok");
}

TEST_F(ConfigTest, DataWinsOverTheFile) {
  const auto c =
      parse(kServer + "    certificate-authority: missing\n    certificate-authority-data: Q0E=\n",
            kNoUser);
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->ca_pem, "CA");
}

TEST_F(ConfigTest, SkippingVerificationMustBeAskedFor) {
  EXPECT_FALSE(parse(kServer, kNoUser)->insecure_skip_tls_verify);
  EXPECT_TRUE(
      parse(kServer + "    insecure-skip-tls-verify: true\n", kNoUser)->insecure_skip_tls_verify);
}

TEST_F(ConfigTest, ErrorsNameTheFieldAndTheFile) {
  struct Row {
    std::string cluster;
    std::string user;
    const char* field;
    const char* says;
  };
  for (const Row& row : {
           Row{"    {}\n", kNoUser, "clusters.c.server", "required"},
           Row{"    server: h:6443\n", kNoUser, "clusters.c.server", "scheme"},
           Row{"    server: https://[fd00::1]:6443\n", kNoUser, "clusters.c.server", "host name"},
           Row{"    server: 7\n", kNoUser, "clusters.c.server", "string"},
           Row{kServer + "    certificate-authority-data: '*'\n", kNoUser,
               "clusters.c.certificate-authority-data", "base64"},
           Row{kServer + "    certificate-authority: missing\n", kNoUser,
               "clusters.c.certificate-authority", "No such file"},
           Row{kServer + "    insecure-skip-tls-verify: 'yes'\n", kNoUser,
               "clusters.c.insecure-skip-tls-verify", "true or false"},
           Row{kServer +
                   "    insecure-skip-tls-verify: true\n    certificate-authority-data: Q0E=\n",
               kNoUser, "clusters.c.insecure-skip-tls-verify", "remove one"},
           Row{kServer + "    proxy-url: http://p\n", kNoUser, "clusters.c.proxy-url",
               "kubectl proxy"},
           Row{kServer, "    exec: {command: aws}\n", "users.u.exec", "kubectl proxy"},
           Row{kServer, "    auth-provider: {name: gcp}\n", "users.u.auth-provider",
               "kubectl create token"},
           Row{kServer, "    username: joe\n", "users.u.username", "token"},
           Row{kServer, "    password: x\n", "users.u.password", "token"},
           Row{kServer, "    as: admin\n", "users.u.as", "token"},
           Row{kServer, "    client-certificate-data: Q0E=\n", "users.u.client-key", "together"},
           Row{kServer, "    client-key-data: Q0E=\n", "users.u.client-certificate", "together"},
       }) {
    const auto c = parse(row.cluster, row.user);
    ASSERT_FALSE(c) << row.field << " " << row.says;
    EXPECT_EQ(c.error().field, row.field);
    EXPECT_THAT(c.error().message, HasSubstr(row.says));
    EXPECT_THAT(c.error().message, HasSubstr("config"));
  }
}

TEST_F(ConfigTest, AMissingContextClusterOrUserIsNamedWithWhatThereIs) {
  const auto context = parse(kServer, kNoUser, "three");
  EXPECT_THAT(context.error().text(), HasSubstr("three"));
  EXPECT_THAT(context.error().text(), HasSubstr("one, two"));
  EXPECT_EQ(parse(kServer, kNoUser, "two").error().field, "contexts.two.user");
  const auto none = parse_kubeconfig("{}", "f", "");
  EXPECT_EQ(none.error().field, "current-context");
}

TEST_F(ConfigTest, TextThatIsNoKubeconfigIsAnError) {
  for (const char* text : {"", "[]", "a: [", "clusters: {}\ncurrent-context: x\n",
                           "contexts: [3]\n", "contexts: [{name: a, context: 3}]\n"}) {
    EXPECT_FALSE(parse_kubeconfig(text, "f", "")) << text;
  }
}

TEST_F(ConfigTest, OfTheListedFilesTheFirstWriterOfANameWins) {
  const fs::path first = put("first",
                             "current-context: two\ncontexts:\n- name: two\n"
                             "  context: {cluster: c}\n");
  const fs::path second = put("second", kubeconfig(kServer, kNoUser));
  const std::string list =
      first.string() + ":" + (folder_ / "missing").string() + "::" + second.string();
  ::setenv("KUBECONFIG", list.c_str(), 1);
  const auto c = load_config("");
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->server, "https://h:6443");
  EXPECT_EQ(c->default_namespace, "default");  // the second file's context "two" names a user
  EXPECT_EQ(load_config("", "one")->default_namespace, "jobs");
}

TEST_F(ConfigTest, AListOfMissingFilesIsAnError) {
  ::setenv("KUBECONFIG", (folder_ / "missing").c_str(), 1);
  EXPECT_EQ(load_config("").error().field, "KUBECONFIG");
}

TEST_F(ConfigTest, AnExplicitPathWinsAndMustExist) {
  ::setenv("KUBECONFIG", put("env", kubeconfig(kServer, kNoUser)).c_str(), 1);
  const fs::path mine = put("mine", kubeconfig("    server: http://mine:1\n", kNoUser));
  EXPECT_EQ(load_config(mine)->server, "http://mine:1");
  EXPECT_THAT(load_config(folder_ / "missing").error().message, HasSubstr("missing"));
}

TEST_F(ConfigTest, TheHomeFolderIsTheLastResort) {
  EXPECT_EQ(load_config("").error().reason, "NoKubeconfig");
  put(".kube/config", kubeconfig(kServer, kNoUser));
  EXPECT_EQ(load_config("")->server, "https://h:6443");
}

TEST_F(ConfigTest, AServiceAccountGivesTokenFileAuthorityAndNamespace) {
  put("sa/token", "t");
  put("sa/ca.crt", "CA");
  put("sa/namespace", "jobs\n");
  const auto c = in_cluster_config("10.0.0.1", "443", folder_ / "sa");
  ASSERT_TRUE(c) << c.error().text();
  EXPECT_EQ(c->server, "https://10.0.0.1:443");
  EXPECT_EQ(c->token_file, folder_ / "sa/token");
  EXPECT_EQ(c->ca_pem, "CA");
  EXPECT_EQ(c->default_namespace, "jobs");
  EXPECT_FALSE(in_cluster_config("10.0.0.1", "none", folder_ / "sa"));
  fs::remove(folder_ / "sa/namespace");
  EXPECT_EQ(in_cluster_config("h", "443", folder_ / "sa")->default_namespace, "default");
  fs::remove(folder_ / "sa/ca.crt");
  EXPECT_FALSE(in_cluster_config("h", "443", folder_ / "sa"));
}

TEST_F(ConfigTest, AServiceAccountOnIPv6GoesByTheNameInEveryCertificate) {
  put("sa/token", "t");
  put("sa/ca.crt", "CA");
  EXPECT_EQ(in_cluster_config("fd00::1", "443", folder_ / "sa")->server,
            "https://kubernetes.default.svc:443");
}

TEST_F(ConfigTest, AChangedAuthorityTakesEffectWithoutARestart) {
  put("sa/token", "t");
  put("sa/ca.crt", "CA 1");
  const auto c = in_cluster_config("10.0.0.1", "443", folder_ / "sa");
  ASSERT_TRUE(c) << c.error().text();
  put("sa/ca.crt", "CA 2");
  EXPECT_EQ(tls_settings(*c).ca_pem, "CA 2");
  put("sa/ca.crt", "");
  EXPECT_EQ(tls_settings(*c).ca_pem, "CA 1") << "half written: never the system's roots";
  fs::remove(folder_ / "sa/ca.crt");
  EXPECT_EQ(tls_settings(*c).ca_pem, "CA 1");
}

TEST(Base64, EncodesWhatItDecodes) {
  EXPECT_EQ(berth::base64_encode(""), "");
  EXPECT_EQ(berth::base64_encode("a"), "YQ==");
  EXPECT_EQ(berth::base64_encode("abc"), "YWJj");
  const std::string bytes("\0\xff\x80 z", 5);
  EXPECT_EQ(base64_decode(berth::base64_encode(bytes)), bytes);
}

TEST(Base64, DecodesOnlyWholeText) {
  EXPECT_EQ(base64_decode(""), "");
  EXPECT_EQ(base64_decode("YQ=="), "a");
  EXPECT_EQ(base64_decode(" YW\nJj "), "abc");
  for (const char* bad : {"YQ=", "YQ", "Y===", "====", "YQ==YQ==", "Y?==",
                          "a\xff"
                          "aa"}) {
    EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace berth::kube
