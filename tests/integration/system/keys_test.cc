#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/kube/object.h"
#include "tests/integration/system/stack.h"

/// The control keys as on a real cluster: made by the operator, spread by it, exchanged by command.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;
using ::testing::HasSubstr;

class Keys : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.keep_keys_in_cluster();
    stack_.start_operator();
    stack_.start_gateway();
    stack_.add_pool("p", Stack::quick_pool(3, 2));
  }

  Json secret(const std::string& key) {
    return stack_.object("secrets", kOperator, "berth-" + key + "-key");
  }
  static std::string id_in(const Json& secret, const std::string& member) {
    const auto text = kube::secret_value(secret, member);
    return text ? string_at(*parse_json(*text), {"kid"}) : "";
  }
  Json status(const std::string& key) {
    const Json map = stack_.object("configmaps", kOperator, "berth-keys");
    const auto all = parse_json(kube::annotation_of(map, "berth.dev/keys-status"));
    return all && all->contains(key) ? (*all)[key] : Json::object();
  }
  std::string phase(const std::string& key) {
    return get_string(status(key), "phase").value_or("");
  }
  std::string berth(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {BERTH_BINARY, "--kubeconfig", stack_.kubeconfig()});
    TestProcess process(arguments, {}, stack_.dir() / "berth.log");
    EXPECT_TRUE(process.wait(10s));
    EXPECT_EQ(process.status(), 0) << process.output();
    return process.output();
  }
  client::Context open_session() {
    const auto session = create_session(client().context(), {}).get();
    EXPECT_TRUE(session) << session.error().text();
    return session.value_or(client().context());
  }
  testing::AssertionResult works(const client::Context& session) {
    const auto ran = execute_activity(session, "exec", {{"argv", {"true"}}}).get();
    return ran ? testing::AssertionSuccess() : testing::AssertionFailure() << ran.error().text();
  }
  client::Client& client() {
    if (!client_) {
      client_ = std::make_unique<client::Client>(stack_.client_options("p"));
    }
    return *client_;
  }

  static constexpr const char* kOperator = Stack::kOperatorNamespace;
  Stack stack_;
  std::unique_ptr<client::Client> client_;
};

TEST_F(Keys, AreMadeOnFirstStartAndSpreadToThePoolsNamespace) {
  EXPECT_TRUE(works(open_session()));
  const Json own = stack_.object("configmaps", kOperator, "berth-keys");
  const Json pools = stack_.object("configmaps", "default", "berth-keys");
  EXPECT_EQ(own["data"], pools["data"]);
  EXPECT_EQ(kube::label_of(pools, "app.kubernetes.io/managed-by"), "berth");
  EXPECT_THAT(pools["data"].dump(), HasSubstr(id_in(secret("gateway"), "key.json")));
  EXPECT_THAT(pools["data"].dump(), ::testing::Not(HasSubstr("\\\"d\\\"")));
  // Somebody's edit is put right.
  stack_.patch("configmaps", "default", "berth-keys", {{"data", {{"jwks.json", "{}"}}}});
  EXPECT_TRUE(stack_.await(
      [&] { return stack_.object("configmaps", "default", "berth-keys")["data"] == own["data"]; }));
}

TEST_F(Keys, ARotationGoesOnThroughAnOperatorsDeathAndLosesNoSession) {
  const auto session = open_session();
  const std::string first = id_in(secret("operator"), "key.json");
  const std::string first_gateway = id_in(secret("gateway"), "key.json");
  berth({"keys", "rotate"});
  ASSERT_TRUE(stack_.await([&] { return phase("operator") == "Distributing"; }));
  EXPECT_NE(get_int(status("operator"), "waiting").value_or(0), 0);
  stack_.kill_operator();
  stack_.start_operator();
  // Workers and gateway look at their files every ten seconds; the Lease of the dead one lasts 15.
  ASSERT_TRUE(stack_.await(
      [&] { return phase("operator") == "Retiring" && phase("gateway") == "Retiring"; }, 90s))
      << status("operator").dump() << status("gateway").dump();
  EXPECT_NE(id_in(secret("operator"), "key.json"), first);
  EXPECT_EQ(id_in(secret("operator"), "previous.json"), first);
  EXPECT_EQ(id_in(secret("operator"), "next.json"), "");
  EXPECT_TRUE(works(session));
  EXPECT_TRUE(works(open_session()));

  // Ten minutes later: only the gateway that still signs with its old key is waited for.
  for (const std::string key : {"operator", "gateway"}) {
    stack_.patch(
        "secrets", kOperator, "berth-" + key + "-key",
        {{"metadata", {{"annotations", {{"berth.dev/switched-at", "2020-01-01T00:00:00Z"}}}}}});
  }
  ASSERT_TRUE(stack_.await(
      [&] { return phase("operator") == "Steady" && phase("gateway") == "Steady"; }, 60s))
      << berth({"keys", "status"});
  const std::string keys = stack_.object("configmaps", "default", "berth-keys")["data"].dump();
  EXPECT_THAT(keys, ::testing::Not(HasSubstr(first)));
  EXPECT_THAT(keys, ::testing::Not(HasSubstr(first_gateway)));
  EXPECT_TRUE(works(session));
  EXPECT_TRUE(works(open_session()));
  EXPECT_THAT(berth({"keys", "status"}), HasSubstr("Steady"));
}

TEST_F(Keys, AForeignConfigMapIsLeftAloneAndThePoolSaysSo) {
  stack_.create("namespaces", "",
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "theirs"}}}});
  stack_.create("configmaps", "theirs",
                {{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata", {{"name", "berth-keys"}, {"namespace", "theirs"}}},
                 {"data", {{"mine", "1"}}}});
  Json spec = Stack::quick_pool(2, 2);
  spec["scaling"]["minWorkers"] = 1;
  stack_.create("sessionpools", "theirs",
                {{"apiVersion", "berth.dev/v1alpha1"},
                 {"kind", "SessionPool"},
                 {"metadata", {{"name", "q"}, {"namespace", "theirs"}}},
                 {"spec", spec}});
  ASSERT_TRUE(stack_.await([&] {
    return stack_.object("sessionpools", "theirs", "q").dump().find("KeysNotPublished") !=
           std::string::npos;
  }));
  EXPECT_EQ(stack_.object("configmaps", "theirs", "berth-keys")["data"], Json({{"mine", "1"}}));
  EXPECT_TRUE(stack_.pods().empty());
  stack_.patch("configmaps", "theirs", "berth-keys",
               {{"metadata", {{"labels", {{"app.kubernetes.io/managed-by", "berth"}}}}}});
  EXPECT_TRUE(stack_.await([&] { return stack_.pods().size() == 1; }));
}

}  // namespace
}  // namespace berth::system_test
