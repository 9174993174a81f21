#include "operator/apply/applier.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

constexpr const char* kPodsPath = "/api/v1/namespaces/ns/pods";

class ApplierTest : public WithFakeApi {
 protected:
  ApplierTest() {
    pool_->name = "files";
    pool_->ns = "ns";
    pool_->uid = "pool-uid";
    pool_->worker.sessions.max_per_worker = 4;
  }
  static Action action(Kind kind, const std::string& worker) {
    Action a;
    a.kind = kind;
    a.worker = worker;
    a.uid = "uid-of-" + worker;
    return a;
  }
  static std::vector<Action> creates(int count, const std::string& revision) {
    std::vector<Action> actions;
    for (int i = 0; i < count; ++i) {
      Action a;
      a.worker = revision + "-" + std::to_string(i);
      a.revision = revision;
      a.rated = true;
      actions.push_back(a);
    }
    return actions;
  }
  void apply(const std::vector<Action>& actions) {
    applier_.apply(
        *pool_, actions,
        {.target =
             [](const std::string& worker) {
               return control::WorkerTarget{"http://" + worker, api::WorkerUid("uid-of-" + worker)};
             },
         .revision =
             [this](const std::string& revision) {
               return revision == "forgotten" ? nullptr : pool_;
             }},
        history_);
    loop_.run_ready();
  }
  /// Answers all creates that wait; how many there were.
  int answer_creates(int status) {
    int n = 0;
    while (api_.waiting() > 0) {
      const auto call = api_.expect_request("POST", kPodsPath);
      call->answer(http::Response::json(
          status, R"({"metadata": {"uid": "u", "resourceVersion": "5"}, "reason": "Invalid"})"));
      ++n;
    }
    loop_.run_ready();
    return n;
  }
  void answer_worker(int status, const std::string& body = "{}") {
    workers_.expect_request()->answer(http::Response::json(status, body));
    loop_.run_ready();
  }
  Worker overlaid(const std::string& worker) {
    Worker w;
    w.name = worker;
    w.uid = "uid-of-" + worker;
    std::vector<Worker> all = {w};
    applier_.overlay(all, "1", loop_.clock().now());
    return all[0];
  }

  fakes::FakeTransport workers_{loop_};
  auth::TokenSigner signer_{*auth::SigningKey::generate(auth::Scope::kOperate, random_), "test",
                            loop_.clock()};
  control::WorkerControl control_{workers_, signer_};
  bool may_write_ = true;
  std::vector<std::string> events_;
  std::vector<std::pair<std::string, bool>> answered_;
  std::shared_ptr<api::SessionPool> pool_ = std::make_shared<api::SessionPool>();
  History history_;
  Applier applier_{loop_,
                   client_,
                   control_,
                   random_,
                   {},
                   Log(),
                   {.may_write = [this] { return may_write_; },
                    .epoch = [] { return 7; },
                    .changed = [] {},
                    .event = [this](const std::string& reason, const std::string&,
                                    bool) { events_.push_back(reason); },
                    .rated_create_sent = [] {},
                    .create_answered =
                        [this](const std::string& revision, const Status& answer) {
                          answered_.emplace_back(revision, answer.has_value());
                        }}};
};

TEST_F(ApplierTest, CreatesStartSlowlyAndDouble) {
  const auto actions = creates(10, "r");
  std::vector<int> rounds;
  for (int i = 0; i < 4; ++i) {
    apply(actions);
    rounds.push_back(answer_creates(201));
  }
  EXPECT_EQ(rounds, (std::vector<int>{1, 2, 7, 0}))
      << "each success doubles what may be on its way";
  EXPECT_EQ(history_.created.size(), 10U);
}

TEST_F(ApplierTest, ARefusedTemplateCostsOneRequestAndHoldsUpItsOwnRevisionOnly) {
  apply(creates(5, "broken"));
  EXPECT_EQ(answer_creates(422), 1);
  EXPECT_EQ(events_, std::vector<std::string>{"CreateFailed"});
  auto both = creates(5, "broken");
  const auto good = creates(1, "good");
  both.insert(both.end(), good.begin(), good.end());
  apply(both);
  EXPECT_EQ(answer_creates(201), 1) << "the good one";
  EXPECT_EQ(answered_,
            (std::vector<std::pair<std::string, bool>>{{"broken", false}, {"good", true}}));
  ASSERT_TRUE(applier_.retry_at());
  loop_.advance(*applier_.retry_at() - loop_.clock().now());
  apply(creates(5, "broken"));
  EXPECT_EQ(answer_creates(422), 1);
}

TEST_F(ApplierTest, AFieldThatTheServerDoesNotKnowIsToBeRefusedAndNotLeftOut) {
  apply(creates(1, "r"));
  const auto call = api_.expect_request("POST", kPodsPath);
  EXPECT_NE(call->request().target.find("fieldValidation=Strict"), std::string::npos);
  EXPECT_EQ(call->request().target.find("dryRun"), std::string::npos);
}

TEST_F(ApplierTest, ACreateThatScalingDidNotAskForDoesNotCountTowardsItsRate) {
  auto actions = creates(1, "r");
  actions[0].rated = false;
  apply(actions);
  EXPECT_EQ(answer_creates(201), 1);
  EXPECT_TRUE(history_.created.empty());
}

TEST_F(ApplierTest, ARevisionThatIsNotKnownAnyMoreIsNotMade) {
  apply(creates(1, "forgotten"));
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(ApplierTest, APodOnItsWayIsCountedWithItsRevision) {
  apply(creates(1, "r"));
  std::vector<Worker> seen;
  applier_.overlay(seen, "1", loop_.clock().now());
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].revision, "r");
}

TEST_F(ApplierTest, ADrainTellsItsDeadlineAndRemembersIt) {
  Action a = action(Kind::kDrain, "w");
  a.deadline = loop_.clock().now() + 90s;
  apply({a});
  EXPECT_TRUE(overlaid("w").removing) << "until it is answered";
  const auto call = workers_.expect_request("POST", "/v1/drain");
  EXPECT_EQ(*parse_json(call->request().body), (Json{{"epoch", 7}, {"seconds", 90}}));
  call->answer(http::Response::json(200, "{}"));
  loop_.run_ready();
  EXPECT_EQ(overlaid("w").told, a.deadline);
  EXPECT_FALSE(overlaid("w").removing);
  EXPECT_EQ(events_, std::vector<std::string>{"WorkerDraining"});
}

TEST_F(ApplierTest, ADeadlineThatHasPassedIsNow) {
  Action a = action(Kind::kDrain, "w");
  a.deadline = loop_.clock().now() - 5s;
  apply({a});
  const auto call = workers_.expect_request("POST", "/v1/drain");
  EXPECT_EQ(parse_json(call->request().body)->at("seconds"), 0);
}

TEST_F(ApplierTest, TakingBackForgetsTheDeadline) {
  Action a = action(Kind::kDrain, "w");
  a.deadline = loop_.clock().now() + 90s;
  apply({a});
  answer_worker(200);
  apply({action(Kind::kUncordon, "w")});
  answer_worker(200);
  EXPECT_FALSE(overlaid("w").told);
}

TEST_F(ApplierTest, OnlyAWorkerThatPromisedIsDeleted) {
  apply({action(Kind::kRetire, "w")});
  (void)workers_.expect_request("POST", "/v1/retire");
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(ApplierTest, AfterThePromiseThePodIsDeletedByUid) {
  apply({action(Kind::kRetire, "w")});
  answer_worker(200);
  const auto call = api_.expect_request("DELETE", std::string(kPodsPath) + "/w");
  const Json body = *parse_json(call->request().body);
  EXPECT_EQ(body.at("preconditions").at("uid"), "uid-of-w");
  EXPECT_EQ(body.at("gracePeriodSeconds"), 5);
}

TEST_F(ApplierTest, AWorkerInUseIsLeftAlone) {
  apply({action(Kind::kRetire, "w")});
  answer_worker(409, R"({"error": {"code": "SessionsOpen"}})");
  EXPECT_EQ(api_.waiting(), 0U);
  EXPECT_FALSE(overlaid("w").removing);
}

TEST_F(ApplierTest, WhoLostTheLeaseMeanwhileDeletesNothing) {
  apply({action(Kind::kRetire, "w")});
  may_write_ = false;
  answer_worker(200);
  EXPECT_EQ(api_.waiting(), 0U);
}

}  // namespace
}  // namespace berth::op
