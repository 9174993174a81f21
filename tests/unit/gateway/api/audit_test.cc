#include "gateway/api/audit.h"

#include "gateway/api/authorize.h"

#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::seconds;

class AuditTest : public GatewayTest {
 protected:
  AuditTest() {
    audit_ = Log::to_function(
        [this](const std::string& line) { lines_.push_back(Json::parse(line, nullptr, false)); });
    start({});
  }
  /// "create ok" for the only line since the last call.
  std::string only() {
    const auto lines = std::exchange(lines_, {});
    if (lines.size() != 1) {
      return std::to_string(lines.size()) + " lines";
    }
    last_ = lines[0];
    EXPECT_EQ(last_.at("audit"), true);
    return last_.at("msg").get<std::string>() + " " + last_.at("outcome").get<std::string>();
  }

  std::vector<Json> lines_;
  Json last_;
};

TEST_F(AuditTest, ASessionOpenedTellsWhoWhereAndFromWhere) {
  add_worker("w1");
  create("s1");
  EXPECT_EQ(only(), "create ok");
  EXPECT_EQ(last_.at("owner"), "dev");
  EXPECT_EQ(last_.at("namespace"), "default");
  EXPECT_EQ(last_.at("pool"), "files");
  EXPECT_EQ(last_.at("session"), "s1");
  EXPECT_EQ(last_.at("worker"), "w1");
  EXPECT_EQ(last_.at("source"), "127.0.0.1:5555");
}

TEST_F(AuditTest, RefusedCallersAreWrittenDown) {
  call("POST", "/v1/namespaces/default/pools/files/sessions", "{}", "wrong-token");
  EXPECT_EQ(only(), "create InvalidToken");
  EXPECT_EQ(last_.at("owner"), "");
  call("GET", "/v1/pools", "", "");
  EXPECT_EQ(only(), "list NoToken");
}

/// Knows everybody and lets in nobody.
class DenyingAuthenticator final : public Authenticator {
 public:
  Cancel check(const http::Request&, const Access&, DoneFn done) override {
    done(tl::make_unexpected(
        Refusal(Error::make(ErrorCode::kPermissionDenied, "AccessDenied", "no rights"), "ann")));
    return {};
  }
};

TEST_F(AuditTest, SomebodyWhoIsKnownAndHasNoRightsIsNamed) {
  DenyingAuthenticator denying;
  const AuditLog audit(audit_);
  auto exchange = std::make_shared<FakeExchange>(http::Request{});
  authorize({denying, audit}, exchange, {Access::Verb::kCreate, "default", "files"},
            [](const Identity&) { FAIL() << "let in"; });
  EXPECT_EQ(exchange->status(), 403);
  EXPECT_EQ(only(), "create AccessDenied");
  EXPECT_EQ(last_.at("owner"), "ann");
}

TEST_F(AuditTest, RefusedRequestsTellTheReason) {
  create("s1", {}, "none");
  EXPECT_EQ(only(), "create UnknownPool");
  call("POST", "/v1/namespaces/default/pools/files/sessions", "{");
  EXPECT_EQ(only(), "create InvalidArgument");
}

TEST_F(AuditTest, StillWaitingDecidesNothing) {
  create("s1", {{"creationTimeout", "40s"}});
  loop_.advance(seconds(25));
  EXPECT_EQ(only(), "0 lines");
  create("s1", {{"creationTimeout", "15s"}});
  loop_.advance(seconds(15));
  EXPECT_EQ(only(), "create CreationTimeout");
}

TEST_F(AuditTest, ACallerWhoLeftIsWrittenDown) {
  create("s1")->client_leaves();
  EXPECT_EQ(only(), "create CallerGone");
}

TEST_F(AuditTest, ListsAreWrittenDown) {
  call("GET", "/v1/pools?namespace=default");
  EXPECT_EQ(only(), "list ok");
  EXPECT_EQ(last_.at("namespace"), "default");
  call("GET", "/v1/namespaces/default/pools/files/sessions");
  EXPECT_EQ(only(), "list ok");
  EXPECT_EQ(last_.at("pool"), "files");
}

TEST_F(AuditTest, EndsThatPassThroughTellTheOwnerFromTheAnswer) {
  add_worker("w1");
  net_.hold("DELETE");
  net_.hold("POST");
  const std::string session = "/v1/namespaces/default/pools/files/workers/w1/sessions/s1";
  for (const auto& [method, target] :
       {std::pair<std::string, std::string>("DELETE", session), {"POST", session + "/complete"}}) {
    const auto exchange = call(method, target, "", "session-token");
    EXPECT_EQ(only(), "0 lines");
    net_.answer(net_.held(method).at(0),
                http::Response::json(202, R"({"id":"s1","owner":"ann","state":"Ending"})"));
    loop_.run_ready();
    EXPECT_EQ(exchange->status(), 202);
    EXPECT_EQ(get_string(exchange->body(), "state"), "Ending");
    EXPECT_EQ(only(), "complete ok");
    EXPECT_EQ(last_.at("owner"), "ann");
    EXPECT_EQ(last_.at("session"), "s1");
    EXPECT_EQ(last_.at("worker"), "w1");
  }
}

TEST_F(AuditTest, OtherCallsThatPassThroughAreNotWrittenDown) {
  add_worker("w1");
  const std::string session = "/v1/namespaces/default/pools/files/workers/w1/sessions/s1";
  call("DELETE", session + "/activities/a1", "", "t");
  call("POST", session + "/heartbeat", "", "t");
  EXPECT_EQ(only(), "0 lines");
}

TEST(AuditLog, CutsAndEscapesWhatCallersChose) {
  std::string line;
  const AuditLog audit(Log::to_function([&](const std::string& text) { line = text; }));
  const std::string nasty = "a\"\n{\"audit\":false}" + std::string(1000, 'x');
  audit.write({.action = "create", .owner = nasty});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json json = Json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json.at("audit"), true);
  EXPECT_EQ(json.at("owner"), nasty.substr(0, 256));
}

}  // namespace
}  // namespace berth::gateway::testing
