#include "gateway/access/kubernetes_authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/auth/session_token.h"
#include "tests/fakes/fake_transport.h"
#include "tests/fakes/manual_loop.h"

namespace berth::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTokenReviews = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr const char* kAccessReviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

class KubernetesAuthenticatorTest : public ::testing::Test {
 protected:
  KubernetesAuthenticatorTest() { make({}); }

  void make(KubernetesAuthenticator::Settings settings) {
    authenticator_ = std::make_unique<KubernetesAuthenticator>(loop_, client_, metrics_, Log(),
                                                               std::move(settings));
  }
  static kube::Config config() {
    kube::Config out;
    out.server = "https://api:6443";
    out.token = "the-gateways-own";
    return out;
  }

  struct Asked {
    std::optional<AccessVerdict> verdict;
    Cancel handle;
  };
  std::shared_ptr<Asked> ask(const std::string& token,
                             const Access& access = {Access::Verb::kCreate, "team", "files"}) {
    http::Request request;
    if (!token.empty()) {
      request.headers.add("Authorization", "Bearer " + token);
    }
    auto asked = std::make_shared<Asked>();
    asked->handle = authenticator_->check(request, access, [asked](AccessVerdict verdict) {
      EXPECT_FALSE(asked->verdict) << "answered twice";
      asked->verdict = std::move(verdict);
    });
    loop_.run_ready();
    return asked;
  }
  static std::string owner(const std::shared_ptr<Asked>& asked) {
    return asked->verdict && *asked->verdict ? (*asked->verdict)->owner : "";
  }
  static Error error(const std::shared_ptr<Asked>& asked) {
    return asked->verdict && !*asked->verdict ? asked->verdict->error() : Error();
  }

  static Json person() {
    return {{"username", "system:serviceaccount:team:ann"},
            {"uid", "u-1"},
            {"groups", {"system:serviceaccounts", "system:serviceaccounts:team"}},
            {"extra", {{"authentication.kubernetes.io/pod-name", {"p"}}}}};
  }
  static Json known() {
    return {{"authenticated", true}, {"user", person()}, {"audiences", {"berth"}}};
  }
  /// Answers the oldest call with that status of a review.
  Json answer(const char* path, const Json& status) {
    const auto call = transport_.expect_request("POST", path);
    const Json body = Json::parse(call->request().body, nullptr, false);
    call->answer(http::Response::json(201, dump_json({{"status", status}})));
    loop_.run_ready();
    return body;
  }
  void let_in() {
    answer(kTokenReviews, known());
    answer(kAccessReviews, {{"allowed", true}});
  }
  double counted(const std::string& outcome, const std::string& source) {
    const std::string text = metrics_.text();
    const std::string line =
        "berth_gateway_access_checks_total{outcome=\"" + outcome + "\",source=\"" + source + "\"} ";
    const std::size_t at = text.find(line);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + line.size()));
  }

  fakes::ManualLoop loop_;
  Metrics metrics_;
  fakes::FakeTransport transport_{loop_};
  kube::Client client_{loop_, transport_, config(), Log(), metrics_};
  std::unique_ptr<KubernetesAuthenticator> authenticator_;
};

TEST_F(KubernetesAuthenticatorTest, AsksWhoItIsAndThenWhetherTheyMay) {
  const auto asked = ask("t1");
  const Json who = answer(kTokenReviews, known());
  EXPECT_EQ(who.at("spec"), Json::parse(R"({"token":"t1","audiences":["berth"]})"));
  EXPECT_FALSE(asked->verdict);
  const Json may = answer(kAccessReviews, {{"allowed", true}});
  EXPECT_EQ(may.at("spec").at("resourceAttributes"), Json::parse(R"({
    "verb":"create","group":"berth.dev","resource":"sessionpools","subresource":"sessions",
    "namespace":"team","name":"files"})"));
  EXPECT_EQ(may.at("spec").at("user"), "system:serviceaccount:team:ann");
  EXPECT_EQ(may.at("spec").at("uid"), "u-1");
  EXPECT_EQ(may.at("spec").at("groups"), person().at("groups"));
  EXPECT_EQ(may.at("spec").at("extra"), person().at("extra"));
  EXPECT_EQ(owner(asked), "system:serviceaccount:team:ann");
  EXPECT_EQ(counted("allowed", "api"), 1);
}

TEST_F(KubernetesAuthenticatorTest, ListsOfEverythingAskWithoutNames) {
  const auto asked = ask("t1", {Access::Verb::kList, "", ""});
  answer(kTokenReviews, known());
  const Json may = answer(kAccessReviews, {{"allowed", false}});
  EXPECT_EQ(may.at("spec").at("resourceAttributes"), Json::parse(R"({
    "verb":"list","group":"berth.dev","resource":"sessionpools","subresource":"sessions"})"));
  EXPECT_THAT(error(asked).message, AllOf(HasSubstr("all namespaces"), HasSubstr("ClusterRole")));
}

TEST_F(KubernetesAuthenticatorTest, WithoutATokenSaysHowToGetOne) {
  const auto asked = ask("");
  EXPECT_EQ(error(asked).code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(error(asked).message,
              HasSubstr("kubectl create token SERVICEACCOUNT --audience berth"));
  EXPECT_TRUE(transport_.sent().empty());
}

TEST_F(KubernetesAuthenticatorTest, ATokenThatIsNotAcceptedSaysWhyAndHowToGetOne) {
  const std::string token =
      "e30." + auth::base64url_encode(R"({"aud":["https://kubernetes.default.svc"]})") + ".s";
  const auto asked = ask(token);
  answer(kTokenReviews, {{"authenticated", false}, {"error", "token audiences are invalid"}});
  EXPECT_EQ(error(asked).code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error(asked).reason, "InvalidToken");
  EXPECT_THAT(error(asked).message,
              AllOf(HasSubstr("made out to \"https://kubernetes.default.svc\""),
                    HasSubstr("token audiences are invalid"), HasSubstr("--audience berth"),
                    Not(HasSubstr(token))));
  EXPECT_EQ(counted("unauthenticated", "api"), 1);
}

TEST_F(KubernetesAuthenticatorTest, ATokenOfAnotherAudienceIsRefusedWhateverTheServerThinksOfIt) {
  for (const Json& audiences : {Json(nullptr), Json(Json::array()), Json{"another"}}) {
    Json status = known();
    status["audiences"] = audiences;
    const auto asked = ask("token-" + std::to_string(dump_json(audiences).size()));
    answer(kTokenReviews, status);
    EXPECT_EQ(error(asked).reason, "InvalidToken") << audiences;
  }
}

/// What an API server of Kubernetes 1.36 answers to a TokenReview for the audience "berth": the
/// status, word for word.
TEST_F(KubernetesAuthenticatorTest, RealAnswersToForeignTokensAreRefusalsThatSayWhy) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {R"({"user":{},"error":"[invalid bearer token, token audiences [\"https://kubernetes.default.svc\"] is invalid for )"
       R"(the target audiences [\"berth\"]]"})",
       "token audiences [\"https://kubernetes.default.svc\"] is invalid"},
      {R"({"user":{},"error":"[invalid bearer token, service account token has expired]"})",
       "service account token has expired"},
      {R"({"user":{},"error":"invalid bearer token"})", "invalid bearer token"},
      {R"({"user":{},"error":"[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]"})",
       "error in cryptographic primitive"}};
  for (const auto& [status, why] : answers) {
    const auto asked = ask("token-" + std::to_string(why.size()));
    answer(kTokenReviews, Json::parse(status));
    EXPECT_EQ(error(asked).code, ErrorCode::kUnauthenticated) << status;
    EXPECT_EQ(error(asked).reason, "InvalidToken") << status;
    EXPECT_THAT(error(asked).message, AllOf(HasSubstr(why), HasSubstr("--audience berth")));
  }
  EXPECT_EQ(counted("unauthenticated", "api"), 4);
}

TEST_F(KubernetesAuthenticatorTest, ARealAnswerWithoutAWordMeansNo) {
  const auto asked = ask("t1");
  answer(kTokenReviews, Json::parse(R"({
    "authenticated":true,"audiences":["berth"],"user":{
      "username":"system:serviceaccount:team:caller","uid":"3cdf0be6-7957-466e-b8bc-d88161a672c7",
      "groups":["system:serviceaccounts","system:serviceaccounts:team","system:authenticated"],
      "extra":{"authentication.kubernetes.io/credential-id":["JTI=761aaf64-3971-4e78-a336-3b87faabaef1"]}}})"));
  const Json may = answer(kAccessReviews, Json::parse(R"({"allowed":false})"));
  EXPECT_EQ(may.at("spec").at("extra").at("authentication.kubernetes.io/credential-id")[0],
            "JTI=761aaf64-3971-4e78-a336-3b87faabaef1");
  EXPECT_EQ(error(asked).reason, "AccessDenied");
  EXPECT_EQ(asked->verdict->error().owner, "system:serviceaccount:team:caller")
      << "for the audit line";
}

TEST_F(KubernetesAuthenticatorTest, WhoMayNotIsToldTheRuleThatIsMissing) {
  const auto asked = ask("t1");
  answer(kTokenReviews, known());
  answer(kAccessReviews, {{"allowed", false}});
  EXPECT_EQ(error(asked).code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(
      error(asked).message,
      AllOf(
          HasSubstr("\"system:serviceaccount:team:ann\" may not create sessions of pool \"files\" "
                    "in namespace \"team\""),
          HasSubstr(R"({apiGroups: ["berth.dev"], resources: ["sessionpools/sessions"], )"
                    R"(resourceNames: ["files"], verbs: ["create"]})"),
          HasSubstr("RoleBinding")));
  EXPECT_EQ(counted("denied", "api"), 1);
}

TEST_F(KubernetesAuthenticatorTest, AVerdictIsRememberedForThatTokenAndThatAccessOnly) {
  ask("t1");
  let_in();
  EXPECT_NE(owner(ask("t1")), "");
  EXPECT_EQ(transport_.waiting(), 0U);
  EXPECT_EQ(counted("allowed", "cache"), 1);
  ask("t1", {Access::Verb::kCreate, "team", "other"});
  EXPECT_EQ(transport_.waiting(), 1U) << "another pool";
  ask("t1", {Access::Verb::kList, "team", "files"});
  EXPECT_EQ(transport_.waiting(), 2U) << "another verb";
  ask("t2");
  EXPECT_EQ(transport_.waiting(), 3U) << "another token";
}

TEST_F(KubernetesAuthenticatorTest, ARefusalIsRememberedForTenSeconds) {
  ask("t1");
  answer(kTokenReviews, {{"authenticated", false}});
  loop_.advance(seconds(9));
  EXPECT_EQ(error(ask("t1")).reason, "InvalidToken");
  EXPECT_EQ(counted("unauthenticated", "cache"), 1);
  loop_.advance(seconds(1));
  ask("t1");
  EXPECT_EQ(transport_.waiting(), 1U);
}

TEST_F(KubernetesAuthenticatorTest, CallersWithTheSameQuestionShareOneCall) {
  const auto first = ask("t1");
  const auto second = ask("t1");
  EXPECT_EQ(transport_.waiting(), 1U);
  let_in();
  EXPECT_NE(owner(first), "");
  EXPECT_NE(owner(second), "");
}

TEST_F(KubernetesAuthenticatorTest, ACallerWhoWentIsNotTold) {
  const auto gone = ask("t1");
  const auto stays = ask("t1");
  gone->handle.cancel();
  let_in();
  EXPECT_FALSE(gone->verdict);
  EXPECT_NE(owner(stays), "");
}

TEST_F(KubernetesAuthenticatorTest, CallsToTheApiServerAreBounded) {
  make({.max_calls = 2, .max_queued = 1});
  ask("t1");
  ask("t2");
  const auto queued = ask("t3");
  const auto refused = ask("t4");
  EXPECT_EQ(transport_.waiting(), 2U);
  EXPECT_EQ(error(refused).reason, "TooManyAccessChecks");
  EXPECT_TRUE(error(refused).retry_after);
  answer(kTokenReviews, known());
  answer(kTokenReviews, {{"authenticated", false}});
  EXPECT_EQ(authenticator_->calls(), 2U) << "the third one's turn has come";
  EXPECT_FALSE(queued->verdict);
  answer(kAccessReviews, {{"allowed", true}});
  let_in();
  EXPECT_NE(owner(queued), "");
}

TEST_F(KubernetesAuthenticatorTest, QueuedCallersWhoWentCostNoCall) {
  make({.max_calls = 1, .max_queued = 5});
  ask("t1");
  const auto queued = ask("t2");
  queued->handle.cancel();
  const auto again = ask("t2");
  again->handle.cancel();
  let_in();
  EXPECT_EQ(transport_.waiting(), 0U);
  EXPECT_EQ(authenticator_->calls(), 0U);
  const auto later = ask("t2");
  let_in();
  EXPECT_NE(owner(later), "");
}

TEST_F(KubernetesAuthenticatorTest, WhileTheApiServerIsAwayAnOldYesStandsInForTenMinutes) {
  ask("t1");
  let_in();
  loop_.advance(seconds(61));
  const auto first = ask("t1");
  transport_.expect_request("POST", kTokenReviews)->fail_connect();
  loop_.run_ready();
  EXPECT_NE(owner(first), "");
  EXPECT_EQ(counted("allowed", "stale"), 1);
  EXPECT_NE(owner(ask("t1")), "") << "at once, without another try";
  EXPECT_EQ(transport_.waiting(), 0U);
  loop_.advance(minutes(9));
  const auto late = ask("t1");
  transport_.expect_request("POST", kTokenReviews)->fail_connect();
  loop_.run_ready();
  EXPECT_EQ(error(late).code, ErrorCode::kUnavailable);
  EXPECT_EQ(counted("unavailable", "api"), 1);
}

TEST_F(KubernetesAuthenticatorTest, AnOldYesNeverOutlivesItsToken) {
  const auto end =
      std::chrono::duration_cast<seconds>(loop_.clock().wall_now().time_since_epoch() + minutes(2))
          .count();
  const std::string token =
      "e30." + auth::base64url_encode("{\"exp\":" + std::to_string(end) + "}") + ".s";
  ask(token);
  let_in();
  loop_.advance(minutes(2));
  const auto asked = ask(token);
  transport_.expect_request("POST", kTokenReviews)->fail_connect();
  loop_.run_ready();
  EXPECT_EQ(error(asked).code, ErrorCode::kUnavailable);
}

TEST_F(KubernetesAuthenticatorTest, ASilentApiServerIsWaitedForOnlyWhenThereIsNoOldYes) {
  ask("t1");
  let_in();
  loop_.advance(seconds(61));
  const auto known_one = ask("t1");
  const auto stranger = ask("t2");
  loop_.advance(seconds(2));
  EXPECT_NE(owner(known_one), "");
  EXPECT_FALSE(stranger->verdict);
  EXPECT_NE(owner(ask("t1")), "") << "nor does the next one wait";
  loop_.advance(seconds(8));
  EXPECT_EQ(error(stranger).reason, "ApiServerUnreachable");
}

TEST_F(KubernetesAuthenticatorTest, ARefusalThatComesLateEndsTheOldYes) {
  ask("t1");
  let_in();
  loop_.advance(seconds(61));
  ask("t1");
  loop_.advance(seconds(2));
  answer(kTokenReviews, {{"authenticated", false}});
  EXPECT_EQ(error(ask("t1")).reason, "InvalidToken");
}

class AGatewayThatMayNotAsk : public KubernetesAuthenticatorTest {
 protected:
  /// As an API server answers that has just started and has not read its roles yet.
  void refuse_the_question() {
    transport_.expect_request("POST", kTokenReviews)
        ->answer(http::Response::json(
            403,
            R"({"kind":"Status","reason":"Forbidden","message":"tokenreviews is forbidden"})"));
    loop_.run_ready();
  }
};

TEST_F(AGatewayThatMayNotAsk, LetsOldCallersInAsWhileTheApiServerIsAway) {
  ask("t1");
  let_in();
  loop_.advance(seconds(61));
  const auto asked = ask("t1");
  refuse_the_question();
  EXPECT_NE(owner(asked), "");
  EXPECT_EQ(counted("allowed", "stale"), 1);
}

TEST_F(AGatewayThatMayNotAsk, TellsNewCallersSo) {
  const auto asked = ask("t1");
  refuse_the_question();
  EXPECT_EQ(error(asked).code, ErrorCode::kUnavailable);
  EXPECT_EQ(error(asked).reason, "AccessCheckFailed");
  EXPECT_THAT(error(asked).message, HasSubstr("tokenreviews is forbidden"));
}

TEST(OwnerName, LongNamesAreCutAndStayDifferent) {
  const std::string a = std::string(300, 'x') + "a";
  const std::string b = std::string(300, 'x') + "b";
  EXPECT_EQ(owner_name("ann"), "ann");
  EXPECT_LE(owner_name(a).size(), 256U);
  EXPECT_NE(owner_name(a), owner_name(b));
}

}  // namespace
}  // namespace berth::gateway
