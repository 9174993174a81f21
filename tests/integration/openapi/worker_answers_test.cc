#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "tests/integration/openapi/document.h"
#include "tests/integration/worker/worker_under_test.h"

namespace berth::openapi {
namespace {

using worker::WorkerUnderTest;

constexpr const char* kYaml = R"(
uid: pod-1
sessions:
  maxPerWorker: 2
  resources: {gpu: 1}
  limits: {maxActivitiesPerSession: 2, maxFileBytes: 100000, maxDiskBytesPerSession: 50000}
exec: true
activities:
- {name: nap, command: [sleep, "1000"]}
)";

// Answers of the document that cannot be brought about from outside in a test without sleeps.
const std::set<std::string>& out_of_reach() {
  static const std::set<std::string> all = {
      // A journal that cannot be written: seen for creates; the others share the path.
      "POST /v1/cordon 503", "POST /v1/uncordon 503", "POST /v1/drain 503", "POST /v1/retire 503",
      "POST /v1/sessions/{id}/activities 503",
      // The worker listens only when it is ready.
      "GET /readyz 503",
      // Both scopes may read; only a token that claims a scope its key lacks is refused, and our
      // signer makes none.
      "GET /v1/sessions 403", "GET /v1/slots 403",
      // The process or the disk is overloaded.
      "GET /v1/sessions/{id}/files/{path} 429", "GET /v1/sessions/{id}/files/{path} 503",
      "PUT /v1/sessions/{id}/files/{path} 503"};
  return all;
}

class WorkerAnswersTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    document_ = new Document(BERTH_SOURCE_DIR "/docs/openapi.yaml");
    seen_ = new std::set<std::string>();
  }
  // Every answer that the document lists for the worker has been seen, if all tests ran.
  static void TearDownTestSuite() {
    const auto* suite = ::testing::UnitTest::GetInstance()->current_test_suite();
    if (suite->test_to_run_count() == suite->total_test_count()) {
      for (const std::string& answer : document_->answers()) {
        const bool gateways = answer.find("/v1/namespaces") != std::string::npos ||
                              answer.find("/v1/pools") != std::string::npos ||
                              answer.find("/v1/demand") != std::string::npos ||
                              answer.find("/v1/keys") != std::string::npos ||
                              answer.find("/ui/events") != std::string::npos;
        EXPECT_TRUE(gateways || seen_->contains(answer) || out_of_reach().contains(answer))
            << answer << " is in the document and no test has seen it";
        EXPECT_FALSE(seen_->contains(answer) && out_of_reach().contains(answer)) << answer;
      }
    }
    delete document_;
    delete seen_;
  }

  void SetUp() override {
    SystemRandom random;
    auto create = auth::SigningKey::generate(auth::Scope::kCreate, random);
    auto operate = auth::SigningKey::generate(auth::Scope::kOperate, random);
    ASSERT_TRUE(create && operate);
    std::ofstream(worker_.directory() / "jwks.json") << auth::make_jwks({&*create, &*operate});
    worker_.flags = {"--jwks=" + (worker_.directory() / "jwks.json").string()};
    create_token_ = auth::TokenSigner(std::move(*create), "gateway/test", clock_).token("pod-1");
    operate_token_ = auth::TokenSigner(std::move(*operate), "operator", clock_).token("pod-1");
    ASSERT_TRUE(worker_.start()) << worker_.output();
  }

  /// Calls, holds the answer against the document and tells "201" or "409 SessionIdTaken".
  std::string call(const std::string& method, const std::string& target,
                   const std::string& token = "", const std::string& body = "") {
    last_ = worker_.call(method, target, token, body);
    return judge(method, target, body);
  }
  std::string probe(const std::string& target) {
    last_ = worker_.probe(target);
    return judge("GET", target, "");
  }
  std::string judge(const std::string& method, const std::string& target, const std::string& body) {
    const std::string path = document_->path_of(target);
    const std::string name = method + " " + path + " " + std::to_string(last_.status);
    seen_->insert(name);
    for (const std::string& problem :
         document_->check_answer(method, path, last_.status, last_.content_type, last_.text)) {
      ADD_FAILURE() << name << " (" << target << "): " << problem << "\n" << last_.text;
    }
    if (const auto json = parse_json(body); last_.status < 300 && json && method == "POST") {
      for (const std::string& problem : document_->check_request(method, path, *json)) {
        ADD_FAILURE() << name << ": the worker took what the document forbids: " << problem;
      }
    }
    const auto code = get_string(last_.body, "code");
    return std::to_string(last_.status) + (code && last_.status >= 400 ? " " + *code : "");
  }
  static std::string session(const std::string& id, const std::string& rest = "") {
    return "/v1/sessions/" + id + rest;
  }
  /// A session with the token "token-of-<id>".
  std::string open(const std::string& id, Json more = Json::object()) {
    more["id"] = id;
    more["tokenHash"] = auth::sha256_hex(token(id));
    return call("POST", "/v1/sessions", create_token_, dump_json(more));
  }
  static std::string token(const std::string& id) { return "token-of-" + id; }
  static std::string exec(const std::string& id, const std::string& script) {
    return dump_json(
        {{"activityId", id}, {"type", "exec"}, {"input", {{"argv", {"sh", "-c", script}}}}});
  }
  std::string run(const std::string& id, const std::string& activity, const std::string& script) {
    return call("POST", session(id, "/activities"), token(id), exec(activity, script));
  }
  std::string wait_for(const std::string& id, const std::string& activity) {
    return call("GET", session(id, "/activities/" + activity + "?wait=25"), token(id));
  }

  static inline Document* document_ = nullptr;
  static inline std::set<std::string>* seen_ = nullptr;

  SystemClock clock_;
  WorkerUnderTest worker_{BERTH_WORKER_BINARY, kYaml};
  WorkerUnderTest::Answer last_;
  std::string create_token_;
  std::string operate_token_;
};

TEST_F(WorkerAnswersTest, ServesTheDocumentedMethodsOfEachPathAndNoOther) {
  for (const auto& [path, methods] : document_->methods()) {
    if (path.starts_with("/v1/namespaces") || path == "/v1/pools" || path == "/v1/demand" ||
        path == "/v1/keys") {
      continue;
    }
    const bool probes = !path.starts_with("/v1/");
    if (probes) {
      continue;  // Called one by one below.
    }
    for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      const int status = worker_
                             .call(method, path.substr(0, path.find('{')) +
                                               (path.find('{') == std::string::npos
                                                    ? ""
                                                    : "s" + path.substr(path.find('}') + 1)))
                             .status;
      EXPECT_EQ(status == 405, !methods.contains(method)) << method << " " << path << " " << status;
      EXPECT_TRUE(status == 405 || status == 401 || status == 404) << method << " " << path;
    }
  }
  EXPECT_EQ(call("GET", "/v1/sessions/%zz"), "400 BadRequest");
  EXPECT_EQ(worker_.call("GET", "/v1/nothing").status, 404);
}

TEST_F(WorkerAnswersTest, Creates) {
  EXPECT_EQ(call("POST", "/v1/sessions", create_token_,
                 R"({"resources": {"gpu": 1}, "executionTimeout": "1h30m", "owner": "me"})"),
            "201");
  EXPECT_TRUE(last_.body.contains("token"));
  EXPECT_EQ(open("s1"), "201");
  EXPECT_EQ(open("s1"), "200");
  EXPECT_EQ(open("s2"), "429 NoFreeSlot");
  EXPECT_EQ(open("s2", {{"resources", {{"gpu", 2}}}}), "400 ResourceNotOffered");
  EXPECT_EQ(open("s2", {{"heartbeatTimeout", "1"}}), "400 InvalidArgument");
  EXPECT_EQ(call("POST", "/v1/sessions", create_token_, "{"), "400 InvalidArgument");
  EXPECT_EQ(call("POST", "/v1/sessions", create_token_, R"({"id": "s1"})"), "409 SessionIdTaken");
  EXPECT_EQ(call("POST", "/v1/sessions", "", "{}"), "401 Unauthenticated");
  EXPECT_EQ(call("POST", "/v1/sessions", "a.b.c", "{}"), "401 InvalidToken");
  EXPECT_EQ(call("POST", "/v1/sessions", operate_token_, "{}"), "403 WrongScope");
  EXPECT_EQ(call("POST", "/v1/sessions", create_token_, std::string(65 << 10, ' ')),
            "413 TooLarge");
  EXPECT_EQ(call("DELETE", session("s1"), token("s1")), "200");
  EXPECT_EQ(open("s1"), "410 SessionEnded");
  EXPECT_EQ(call("GET", "/v1/sessions", operate_token_), "200");
  EXPECT_EQ(last_.body["sessions"].size(), 1U);
  EXPECT_EQ(call("GET", "/v1/sessions"), "401 Unauthenticated");
}

TEST_F(WorkerAnswersTest, RecreatesAndGiveBacks) {
  EXPECT_EQ(open("s1", {{"attempt", "a1"}}), "201");
  std::string recreate = last_.body["recreateToken"];
  EXPECT_EQ(call("DELETE", session("s1", "?attempt=a2"), create_token_), "409 SessionClaimed");
  EXPECT_EQ(call("DELETE", session("s1", "?attempt=a1")), "401 Unauthenticated");
  EXPECT_EQ(call("DELETE", session("s1", "?attempt=a1"), operate_token_), "403 WrongScope");
  EXPECT_EQ(call("DELETE", session("s1", "?attempt=a1"), create_token_), "200");
  EXPECT_EQ(last_.body, Json::object());
  EXPECT_EQ(open("s1"), "201");
  recreate = last_.body["recreateToken"];
  EXPECT_EQ(call("POST", session("s1", "/complete?keepFor=2h"), token("s1")),
            "400 InvalidArgument");
  EXPECT_EQ(call("POST", session("s1", "/complete?keepFor=1m"), token("s1"), "{"), "200");
  EXPECT_EQ(call("POST", "/v1/retire", operate_token_), "409 SessionsOpen") << "a slot is held";
  std::string wrong = recreate;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  EXPECT_EQ(open("s2", {{"recreateToken", wrong}}), "403 TokenMismatch");
  EXPECT_EQ(open("s2", {{"recreateToken", "w.other-pod.s1.ab"}}), "409 WrongWorker");
  EXPECT_EQ(open("s2", {{"recreateToken", recreate}}), "201");
  EXPECT_EQ(call("DELETE", session("s1", "?attempt=a1"), create_token_), "410 SessionEnded");
}

TEST_F(WorkerAnswersTest, ASessionOnItsWay) {
  ASSERT_EQ(open("s1"), "201");
  EXPECT_EQ(call("GET", session("s1"), token("s1")), "200");
  EXPECT_EQ(call("POST", session("s1", "/heartbeat"), token("s1")), "200");
  for (const auto& [method, rest] :
       std::vector<std::pair<std::string, std::string>>{{"GET", ""},
                                                        {"DELETE", ""},
                                                        {"POST", "/complete"},
                                                        {"POST", "/heartbeat"},
                                                        {"POST", "/activities"},
                                                        {"GET", "/activities/a"},
                                                        {"DELETE", "/activities/a"},
                                                        {"GET", "/activities/a/output"},
                                                        {"GET", "/files/f"},
                                                        {"PUT", "/files/f"}}) {
    EXPECT_EQ(call(method, session("s1", rest)), "401 Unauthenticated");
    EXPECT_EQ(call(method, session("s1", rest), "x"), "403 TokenMismatch");
    EXPECT_EQ(call(method, session("s0", rest), "x"), "404 SessionNotFound");
    EXPECT_EQ(call(method, session("S", rest), "x"), "400 InvalidArgument");
  }
  ASSERT_EQ(run("s1", "long", "trap '' TERM; echo go >&2; while :; do sleep 1; done"), "202");
  EXPECT_EQ(call("GET", session("s1", "/activities/long?wait=25&after=1"), token("s1")), "200");
  EXPECT_EQ(call("DELETE", session("s1"), token("s1")), "202");
  EXPECT_EQ(call("POST", session("s1", "/complete"), token("s1")), "202");
  EXPECT_EQ(call("POST", session("s1", "/heartbeat"), token("s1")), "410 SessionEnded");
  EXPECT_EQ(last_.body["endReason"], "Completed");
  while (call("GET", session("s1"), token("s1")) == "200" && last_.body["state"] == "Ending") {
  }
  EXPECT_EQ(last_.body["state"], "Ended");
  EXPECT_EQ(run("s1", "a", "true"), "410 SessionEnded");
  EXPECT_EQ(wait_for("s1", "long"), "410 SessionEnded");
  EXPECT_EQ(call("DELETE", session("s1", "/activities/long"), token("s1")), "410 SessionEnded");
  EXPECT_EQ(call("GET", session("s1", "/files/f"), token("s1")), "410 SessionEnded");
  EXPECT_EQ(call("PUT", session("s1", "/files/f"), token("s1"), "x"), "410 SessionEnded");
}

TEST_F(WorkerAnswersTest, Activities) {
  ASSERT_EQ(open("s1"), "201");
  const std::string activities = session("s1", "/activities");
  EXPECT_EQ(run("s1", "ok", "echo out; echo err >&2"), "202");
  EXPECT_EQ(run("s1", "ok", "echo out; echo err >&2"), "200");
  EXPECT_EQ(wait_for("s1", "ok"), "200");
  EXPECT_EQ(last_.body["state"], "Succeeded");
  EXPECT_TRUE(last_.body.contains("stdoutBase64"));
  EXPECT_EQ(call("POST", activities, token("s1"),
                 R"({"activityId": "bad", "type": "exec", "startToCloseTimeout": "1m",
                     "input": {"argv": ["/no/such/program"]}})"),
            "202");
  EXPECT_EQ(wait_for("s1", "bad"), "200");
  EXPECT_EQ(last_.body["failure"]["type"], "CommandNotFound") << last_.text;
  EXPECT_EQ(call("POST", activities, token("s1"), R"({"type": "none"})"), "400 UnknownActivity");
  EXPECT_EQ(call("POST", activities, token("s1"), R"({"activityId": "ok", "type": "nap"})"),
            "409 ActivityIdTaken");
  EXPECT_EQ(call("POST", activities, token("s1"), "[]"), "400 InvalidArgument");
  EXPECT_EQ(call("POST", activities, token("s1"), std::string((4 << 20) + 1, ' ')), "413 TooLarge");
  EXPECT_EQ(call("GET", activities + "/none", token("s1")), "404 ActivityNotFound");
  EXPECT_EQ(call("DELETE", activities + "/none", token("s1")), "404 ActivityNotFound");
  EXPECT_EQ(call("GET", activities + "/ok?wait=x", token("s1")), "400 InvalidArgument");
  EXPECT_EQ(call("DELETE", activities + "/ok", token("s1")), "200");
  EXPECT_EQ(call("GET", activities + "/ok/output", token("s1")), "410 OutputForgotten");
  EXPECT_EQ(call("GET", activities + "/none/output", token("s1")), "404 ActivityNotFound");
  EXPECT_EQ(call("GET", activities + "/ok/output?after=x", token("s1")), "400 InvalidArgument");
  EXPECT_EQ(call("POST", activities, token("s1"),
                 R"({"activityId": "stream", "type": "exec",
                     "input": {"argv": ["printf", "one\\377"], "stream": true}})"),
            "202");
  EXPECT_EQ(wait_for("s1", "stream"), "200");
  EXPECT_FALSE(last_.body.contains("stdoutBase64"));
  EXPECT_EQ(call("GET", activities + "/stream/output?wait=25", token("s1")), "200");
  EXPECT_EQ(last_.body["chunks"][0]["base64"], "b25l/w==");
  EXPECT_EQ(last_.body["end"], true);
  EXPECT_EQ(call("GET", activities + "/stream/output?after=4", token("s1")), "200");
  EXPECT_EQ(call("GET", activities + "/stream/output?after=3", token("s1")), "410 OutputTaken");
  EXPECT_EQ(call("GET", activities + "/stream/output?after=5", token("s1")), "400 InvalidArgument");
  EXPECT_EQ(run("s1", "one", "sleep 1000"), "202");
  EXPECT_EQ(call("GET", activities + "/one/output", token("s1")), "409 NotStreamed");
  EXPECT_EQ(run("s1", "two", "sleep 1000"), "202");
  EXPECT_EQ(run("s1", "three", "sleep 1000"), "429 TooManyActivities");
  EXPECT_EQ(call("DELETE", activities + "/one", token("s1")), "202");
  EXPECT_EQ(wait_for("s1", "one"), "200");
  EXPECT_EQ(last_.body["state"], "Cancelled");
}

TEST_F(WorkerAnswersTest, Files) {
  ASSERT_EQ(open("s1"), "201");
  const auto file = [](const std::string& path) { return session("s1", "/files/" + path); };
  EXPECT_EQ(call("PUT", file("a/b"), token("s1"), "bytes"), "201");
  EXPECT_EQ(call("PUT", file("a/b"), token("s1"), "{\"x\": 1}"), "200");
  EXPECT_EQ(call("GET", file("a/b"), token("s1")), "200");
  EXPECT_EQ(last_.content_type, "application/octet-stream");
  EXPECT_EQ(call("GET", file("a"), token("s1")), "200");
  EXPECT_EQ(last_.body["entries"].size(), 1U) << last_.text;
  EXPECT_EQ(call("GET", file(""), token("s1")), "200");
  EXPECT_EQ(call("GET", file("a/../b"), token("s1")), "400 InvalidArgument");
  EXPECT_EQ(call("GET", file("none"), token("s1")), "404 NotFound");
  EXPECT_EQ(call("GET", file("a/b/c"), token("s1")), "404 NotADirectory");
  EXPECT_EQ(call("PUT", file("a/b/c"), token("s1"), "x"), "404 NotADirectory");
  EXPECT_EQ(call("PUT", file("a"), token("s1"), "x"), "409 NotAFile");
  EXPECT_EQ(call("PUT", file("big"), token("s1"), std::string(60'000, 'x')),
            "429 SessionDiskLimit");
  EXPECT_EQ(call("PUT", file("big"), token("s1"), std::string(100'001, 'x')), "413 TooLarge");
  EXPECT_EQ(run("s1", "pipe", "mkfifo pipe"), "202");
  EXPECT_EQ(wait_for("s1", "pipe"), "200");
  EXPECT_EQ(call("GET", file("pipe"), token("s1")), "409 NotAFile");
}

TEST_F(WorkerAnswersTest, SlotsAndSwitches) {
  EXPECT_EQ(call("GET", "/v1/slots?wait=25&incarnation=other", create_token_), "200");
  EXPECT_EQ(call("GET", "/v1/slots?after=-1", create_token_), "400 InvalidArgument");
  for (const char* path : {"/v1/cordon", "/v1/uncordon", "/v1/drain", "/v1/retire"}) {
    const std::string body = R"({"epoch": 1, "seconds": 60})";
    EXPECT_EQ(call("POST", path, "", body), "401 Unauthenticated");
    EXPECT_EQ(call("POST", path, create_token_, body), "403 WrongScope");
  }
  EXPECT_EQ(call("GET", "/v1/slots"), "401 Unauthenticated");
  EXPECT_EQ(call("POST", "/v1/cordon", operate_token_, R"({"epoch": 5})"), "200");
  EXPECT_EQ(open("s1"), "503 Cordoned");
  for (const char* path : {"/v1/cordon", "/v1/uncordon", "/v1/drain"}) {
    EXPECT_EQ(call("POST", path, operate_token_,
                   std::string(path) == "/v1/drain" ? R"({"epoch": 4, "seconds": 60})"
                                                    : R"({"epoch": 4})"),
              "409 StaleEpoch");
    EXPECT_EQ(last_.body["epoch"], 5);
    EXPECT_EQ(call("POST", path, operate_token_, R"({"epoch": "5"})"), "400 InvalidArgument");
  }
  EXPECT_EQ(call("POST", "/v1/drain", operate_token_, R"({"epoch": 5, "seconds": 60})"), "200");
  EXPECT_EQ(last_.body["state"], "Draining");
  EXPECT_EQ(open("s1"), "503 Draining");
  EXPECT_EQ(call("POST", "/v1/uncordon", operate_token_, R"({"epoch": 6})"), "200");
  EXPECT_EQ(open("s1"), "201");
  EXPECT_EQ(call("POST", "/v1/retire", operate_token_), "409 SessionsOpen");
  EXPECT_EQ(last_.body["sessions"], 1);
  EXPECT_EQ(call("DELETE", session("s1"), token("s1")), "200");
  EXPECT_EQ(call("POST", "/v1/retire", operate_token_), "200");
  EXPECT_EQ(call("POST", "/v1/uncordon", operate_token_, R"({"epoch": 6})"), "409 Retired");
  EXPECT_EQ(open("s2"), "503 Retired");
}

TEST_F(WorkerAnswersTest, TheListIsOnlyForThoseWhoMayControl) {
  auto stranger =
      auth::SigningKey::generate(auth::Scope::kCreate, *std::make_unique<SystemRandom>());
  ASSERT_TRUE(stranger);
  const std::string unknown = auth::TokenSigner(std::move(*stranger), "x", clock_).token("pod-1");
  EXPECT_EQ(call("GET", "/v1/sessions", unknown), "401 UnknownKey");
}

TEST_F(WorkerAnswersTest, Probes) {
  EXPECT_EQ(probe("/healthz"), "200");
  EXPECT_EQ(probe("/readyz"), "200");
  EXPECT_EQ(probe("/metrics"), "200");
  EXPECT_EQ(probe("/drained"), "200") << "after its patience of 5 s: nobody has told it to stop";
}

}  // namespace
}  // namespace berth::openapi
