#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/system/stack.h"

/// What callers are told when they ask for something wrong, and that nobody else is harmed.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::ErrorKind;
using ::testing::HasSubstr;

constexpr const char* kSessions = "/v1/namespaces/default/pools/p/sessions";

class Errors : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_gateway();
    stack_.start_operator();
    stack_.add_pool("p", Stack::quick_pool(1, 2));
  }
  client::ClientError refusal(const client::ClientOptions& options,
                              const client::SessionOptions& session = {}) {
    client::Client client(options);
    const auto outcome = create_session(client.context(), session).get();
    EXPECT_FALSE(outcome);
    return outcome ? client::ClientError() : outcome.error();
  }

  Stack stack_;
};

TEST_F(Errors, AnUnknownPoolIsNamedAtOnce) {
  const auto error = refusal(stack_.client_options("nope"));
  EXPECT_EQ(error.kind, ErrorKind::kPoolNotFound) << error.text();
  EXPECT_THAT(error.text(), HasSubstr("default/nope"));
}

TEST_F(Errors, AResourceThatNoWorkerHasIsNamedAtOnce) {
  client::SessionOptions options;
  options.resources["gpu"] = 1;
  const auto error = refusal(stack_.client_options("p"), options);
  EXPECT_EQ(error.kind, ErrorKind::kInvalidArgument) << error.text();
  EXPECT_EQ(error.error.field, "resources.gpu");
  EXPECT_THAT(error.text(), HasSubstr("default/p"));
  EXPECT_TRUE(stack_.pods().empty()) << "a wrong request must not scale";
}

TEST_F(Errors, AWrongTokenOpensAndListsNothing) {
  auto options = stack_.client_options("p");
  options.token = "not-the-token-of-this-gateway";
  EXPECT_EQ(refusal(options).kind, ErrorKind::kUnauthenticated);
  EXPECT_EQ(stack_.http("GET", kSessions, options.token).status, 401);
  EXPECT_EQ(stack_.http("GET", "/v1/pools", "").status, 401);
}

TEST_F(Errors, NoSlotWithinTheCreationTimeoutIsAClearErrorAndLeavesNothingOpen) {
  client::Client client(stack_.client_options("p"));
  const auto first = create_session(client.context(), {}).get();
  const auto second = create_session(client.context(), {}).get();
  ASSERT_TRUE(first && second);
  client::SessionOptions options;
  options.creation_timeout = 1s;
  const auto error = refusal(stack_.client_options("p"), options);
  EXPECT_EQ(error.kind, ErrorKind::kCreationTimeout) << error.text();
  EXPECT_EQ(stack_.used_slots("p"), 2);
}

TEST_F(Errors, OneSessionsTokenIsRefusedForAnother) {
  const auto first = stack_.http("POST", kSessions, stack_.token(), "{}");
  const auto second = stack_.http("POST", kSessions, stack_.token(), "{}");
  ASSERT_EQ(first.status, 201) << first.text;
  ASSERT_EQ(second.status, 201) << second.text;
  const std::string path = "/v1/namespaces/default/pools/p/workers/" +
                           string_at(first.body, {"worker", "name"}) + "/sessions/" +
                           string_at(first.body, {"id"});
  const std::string other = string_at(second.body, {"token"});
  EXPECT_EQ(stack_.http("GET", path, other).status, 403);
  EXPECT_EQ(stack_.http("DELETE", path, other).status, 403);
  EXPECT_EQ(stack_.http("GET", path + "/files/x", other).status, 403);
  const auto mine = stack_.http("GET", path, string_at(first.body, {"token"}));
  EXPECT_EQ(mine.status, 200) << mine.text;
  EXPECT_EQ(string_at(mine.body, {"state"}), "Open");
}

// As when the rights in one of several namespaces are gone, perhaps with it, and then the programs
// start anew.
TEST(Namespaces, OneThatMayNotBeReadHoldsUpNobodyInTheOthers) {
  Stack stack;
  stack.watch_only({"default", "locked"});
  stack.on_loop([&] {
    devcluster::FaultRule rule;
    rule.path = "/namespaces/locked/";
    rule.times = -1;
    rule.status = 403;
    stack.cluster().faults().add(rule);
  });
  stack.start_gateway();
  stack.start_operator();
  stack.add_pool("p", Stack::quick_pool(1, 2));
  Json far = Stack::quick_pool(1, 2);
  far["scaling"]["minWorkers"] = 1;
  stack.create("namespaces", "", {{"kind", "Namespace"}, {"metadata", {{"name", "locked"}}}});
  stack.create("sessionpools", "locked",
               {{"apiVersion", "berth.dev/v1alpha1"},
                {"kind", "SessionPool"},
                {"metadata", {{"name", "far"}, {"namespace", "locked"}}},
                {"spec", far}});
  {
    client::Client client(stack.client_options("p"));
    const auto session = create_session(client.context(), {}).get();
    ASSERT_TRUE(session) << session.error().text();
    EXPECT_TRUE(complete_session(*session).get());
  }
  const char* there = "/v1/namespaces/locked/pools/far/sessions";
  const Stack::Answer refused = stack.http("POST", there, stack.token(), "{}");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.text, HasSubstr("namespace locked"));

  stack.on_loop([&] { stack.cluster().faults().clear(); });
  EXPECT_TRUE(stack.await([&] { return stack.http("GET", there).status == 200; }));
  EXPECT_TRUE(stack.await([&] {
    const std::vector<Json> pods = stack.pods();
    return std::ranges::any_of(pods, [](const Json& pod) {
      return string_at(pod, {"metadata", "namespace"}) == "locked";
    });
  })) << "the operator scales it too";
}

}  // namespace
}  // namespace berth::system_test
