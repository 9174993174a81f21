#include "operator/apply/pod_check.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPodsPath = "/api/v1/namespaces/ns/pods";
constexpr const char* kInvalid = R"({"kind": "Status", "reason": "Invalid", "code": 422,
    "message": "spec.containers[0].image: Required value",
    "details": {"causes": [{"field": "spec.containers[0].image"}]}})";

class PodCheckTest : public WithFakeApi {
 protected:
  PodCheckTest() {
    pool_->name = "files";
    pool_->ns = "ns";
    pool_->uid = "pool-uid";
    pool_->worker.sessions.max_per_worker = 4;
  }
  void look(const std::string& revision) {
    check_.look(pool_, revision);
    loop_.run_ready();
  }
  void answer(int status, const std::string& body = "{}") {
    api_.expect_request("POST", kPodsPath)->answer(http::Response::json(status, body));
    loop_.run_ready();
  }

  std::shared_ptr<api::SessionPool> pool_ = std::make_shared<api::SessionPool>();
  int changes_ = 0;
  PodCheck check_{loop_, client_, random_, {}, [this] { ++changes_; }};
};

TEST_F(PodCheckTest, AsksOnceForEachRevisionAndMakesNothing) {
  look("a");
  const auto call = api_.expect_request("POST", kPodsPath);
  EXPECT_NE(call->request().target.find("dryRun=All"), std::string::npos);
  EXPECT_NE(call->request().target.find("fieldValidation=Strict"), std::string::npos);
  EXPECT_EQ(parse_json(call->request().body)->at("metadata").at("name"), "files-dry-run");
  call->answer(http::Response::json(201, "{}"));
  loop_.run_ready();
  EXPECT_EQ(check_.refusal(), "");
  EXPECT_EQ(changes_, 0) << "nothing to tell";
  look("a");
  loop_.advance(1h);
  EXPECT_EQ(api_.waiting(), 0U);
  look("b");
  EXPECT_EQ(api_.waiting(), 1U);
}

TEST_F(PodCheckTest, ARefusalIsToldWithItsFieldAndAskedAboutAgainEachMinute) {
  look("a");
  answer(422, kInvalid);
  EXPECT_NE(check_.refusal().find("spec.containers[0].image: Required value"), std::string::npos);
  EXPECT_EQ(changes_, 1);
  loop_.advance(59s);
  EXPECT_EQ(api_.waiting(), 0U);
  loop_.advance(1s);
  answer(422, kInvalid);
  EXPECT_EQ(changes_, 1) << "the same again";
  loop_.advance(1min);
  answer(201);
  EXPECT_EQ(check_.refusal(), "");
  EXPECT_EQ(changes_, 2);
}

TEST_F(PodCheckTest, WhatIsNotAllowedIsRefusedToo) {
  look("a");
  answer(403, R"({"kind": "Status", "reason": "Forbidden", "message": "exceeded quota: small"})");
  EXPECT_NE(check_.refusal().find("exceeded quota"), std::string::npos);
}

TEST_F(PodCheckTest, TroubleOnTheWaySaysNothingAboutThePod) {
  look("a");
  answer(503);
  EXPECT_EQ(check_.refusal(), "");
  loop_.advance(2s);
  answer(422, kInvalid);
  EXPECT_NE(check_.refusal(), "");
  loop_.advance(1min);
  answer(503);
  EXPECT_NE(check_.refusal(), "") << "what was known stays";
}

TEST_F(PodCheckTest, ANameThatIsTakenIsNoRefusal) {
  look("a");
  answer(409, R"({"kind": "Status", "reason": "AlreadyExists"})");
  EXPECT_EQ(check_.refusal(), "");
  loop_.advance(1h);
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(PodCheckTest, RealCreatesAreNewsOfTheirRevision) {
  look("a");
  answer(201);
  const Error quota = Error::make(ErrorCode::kPermissionDenied, "Forbidden", "exceeded quota");
  check_.created("another", fail(quota));
  EXPECT_EQ(check_.refusal(), "");
  check_.created("a", fail(Error::make(ErrorCode::kUnavailable, "", "away")));
  EXPECT_EQ(check_.refusal(), "");
  check_.created("a", fail(quota));
  EXPECT_NE(check_.refusal().find("exceeded quota"), std::string::npos);
  check_.created("a", {});
  EXPECT_EQ(check_.refusal(), "");
  loop_.advance(1h);
  EXPECT_EQ(api_.waiting(), 0U) << "it was answered";
}

TEST_F(PodCheckTest, ANewRevisionIsNotBlamedForTheOldOne) {
  look("a");
  answer(422, kInvalid);
  look("b");
  EXPECT_EQ(check_.refusal(), "");
  answer(201);
  loop_.advance(1h);
  EXPECT_EQ(api_.waiting(), 0U);
}

}  // namespace
}  // namespace berth::op
