#include "berth/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "berth/base/file.h"
#include "tests/fakes/manual_loop.h"
#include "tests/unit/kube/newest_call.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;

Config simple_config() {
  Config c;
  c.server = "https://api:6443/base/";
  c.token = "secret";
  return c;
}

class ClientTest : public ::testing::Test {
 protected:
  void make(Config config) {
    client_ = std::make_unique<Client>(loop_, transport_, std::move(config), Log(), metrics_);
  }
  Client::ObjectFn keep() {
    return [this](Result<Json> r) {
      ++answers_;
      result_ = std::move(r);
    };
  }
  void answer(int status, const std::string& body) {
    newest_->answer(http::Response::json(status, body));
    loop_.run_ready();
  }
  const http::Request& sent() { return newest_->request(); }

  fakes::ManualLoop loop_;
  Metrics metrics_;
  fakes::FakeTransport transport_{loop_};
  NewestCall newest_{transport_};
  std::unique_ptr<Client> client_;
  int answers_ = 0;
  Result<Json> result_;
  Cancel call_;
};

TEST(KubePaths, AreThoseOfTheApi) {
  EXPECT_EQ(collection_path(kPods, "x"), "/api/v1/namespaces/x/pods");
  EXPECT_EQ(collection_path(kPods, ""), "/api/v1/pods");
  EXPECT_EQ(object_path(kSessionPools, "x", "p", "status"),
            "/apis/berth.dev/v1alpha1/namespaces/x/sessionpools/p/status");
  EXPECT_EQ(object_path(kPods, "a b", "c?d"), "/api/v1/namespaces/a%20b/pods/c%3Fd");
}

TEST_F(ClientTest, GetSendsTokenAndPathBelowTheServersBase) {
  make(simple_config());
  call_ = client_->get(kPods, "x", "a", keep());
  EXPECT_EQ(newest_->origin(), "https://api:6443");
  EXPECT_EQ(sent().method, "GET");
  EXPECT_EQ(sent().target, "/base/api/v1/namespaces/x/pods/a");
  EXPECT_EQ(sent().headers.get("Authorization"), "Bearer secret");
  EXPECT_EQ(sent().headers.get("Accept"), "application/json");
  EXPECT_EQ(newest_->options().deadline, Duration(10s));
  answer(200, R"({"kind": "Pod"})");
  ASSERT_TRUE(result_);
  EXPECT_EQ((*result_)["kind"], "Pod");
}

TEST_F(ClientTest, WithoutATokenNoneIsSent) {
  Config config = simple_config();
  config.token.clear();
  make(config);
  call_ = client_->get(kPods, "x", "a", keep());
  EXPECT_FALSE(sent().headers.has("Authorization"));
}

TEST_F(ClientTest, ListEncodesItsQuery) {
  make(simple_config());
  ListOptions options;
  options.label_selector = "a=b,c";
  options.field_selector = "spec.nodeName=n";
  options.continue_token = "x+/=";
  call_ = client_->list(kPods, "", options, keep());
  EXPECT_EQ(sent().target,
            "/base/api/v1/pods?labelSelector=a%3Db%2Cc&fieldSelector=spec.nodeName%3Dn&limit=500"
            "&continue=x%2B%2F%3D");
}

TEST_F(ClientTest, WritesHaveTheirVerbsTypesAndBodies) {
  make(simple_config());
  const Json pod = *parse_json(R"({"metadata": {"name": "a", "namespace": "x"}})");
  call_ = client_->create(kPods, "x", pod, keep());
  EXPECT_EQ(sent().method, "POST");
  EXPECT_EQ(sent().target, "/base/api/v1/namespaces/x/pods");
  EXPECT_EQ(sent().headers.get("Content-Type"), "application/json");
  EXPECT_EQ(*parse_json(sent().body), pod);

  call_ = client_->update(kPods, pod, "status", keep());
  EXPECT_EQ(sent().method, "PUT");
  EXPECT_EQ(sent().target, "/base/api/v1/namespaces/x/pods/a/status");

  call_ = client_->merge_patch(kPods, "x", "a", {{"k", 1}}, "", keep());
  EXPECT_EQ(sent().method, "PATCH");
  EXPECT_EQ(sent().headers.get("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(sent().body, R"({"k":1})");

  call_ = client_->remove(kPods, "x", "a", {"u1", "42"}, 3, keep());
  EXPECT_EQ(sent().method, "DELETE");
  const Json options = *parse_json(sent().body);
  EXPECT_EQ(options["preconditions"], Json({{"uid", "u1"}, {"resourceVersion", "42"}}));
  EXPECT_EQ(options["gracePeriodSeconds"], 3);

  call_ = client_->remove(kPods, "x", "a", {}, std::nullopt, keep());
  EXPECT_EQ(*parse_json(sent().body), Json({{"apiVersion", "v1"}, {"kind", "DeleteOptions"}}));
}

TEST_F(ClientTest, NamesThatWouldLeaveThePathAreRefusedUnsent) {
  make(simple_config());
  for (const char* name : {"", ".", "..", "a/b", "a%2fb"}) {
    result_ = Json();
    call_ = client_->get(kPods, "x", name, keep());
    loop_.run_ready();
    ASSERT_FALSE(result_) << name;
    EXPECT_EQ(result_.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result_.error().field, "metadata.name");
  }
  call_ = client_->list(kPods, "..", {}, keep());
  loop_.run_ready();
  EXPECT_EQ(result_.error().field, "metadata.namespace");
  EXPECT_EQ(transport_.sent().size(), 0u);
}

TEST_F(ClientTest, StatusAnswersBecomeErrorsWithTheirReason) {
  struct Row {
    int status;
    const char* reason;
    ErrorCode code;
  };
  for (const Row& row :
       {Row{400, "BadRequest", ErrorCode::kInvalidArgument},
        Row{401, "Unauthorized", ErrorCode::kUnauthenticated},
        Row{403, "Forbidden", ErrorCode::kPermissionDenied},
        Row{404, "NotFound", ErrorCode::kNotFound}, Row{409, "Conflict", ErrorCode::kConflict},
        Row{409, "AlreadyExists", ErrorCode::kAlreadyExists}, Row{410, "Expired", ErrorCode::kGone},
        Row{422, "Invalid", ErrorCode::kInvalidArgument},
        Row{429, "TooManyRequests", ErrorCode::kResourceExhausted},
        Row{500, "InternalError", ErrorCode::kUnavailable},
        Row{405, "MethodNotAllowed", ErrorCode::kUnimplemented},
        Row{408, "Timeout", ErrorCode::kDeadlineExceeded},
        Row{412, "Invalid", ErrorCode::kConflict}, Row{501, "", ErrorCode::kUnimplemented},
        Row{504, "Timeout", ErrorCode::kUnavailable}}) {
    const Json body = {{"kind", "Status"},
                       {"code", row.status},
                       {"reason", row.reason},
                       {"message", "because"},
                       {"details", {{"causes", {{{"field", "spec.x"}}}}}}};
    const Error e = error_from_status(http::Response::json(row.status, body.dump()));
    EXPECT_EQ(e.code, row.code) << row.reason;
    EXPECT_EQ(e.reason, row.reason);
    EXPECT_EQ(e.message, "because");
    EXPECT_EQ(e.field, "spec.x");
    const Error in_stream = error_from_status(body);
    EXPECT_EQ(in_stream, e);
  }
}

TEST_F(ClientTest, RetryAfterComesFromTheHeaderOrTheStatus) {
  http::Response r = http::Response::text(429, "slow down");
  EXPECT_EQ(error_from_status(r).retry_after, std::nullopt);
  EXPECT_THAT(error_from_status(r).message, HasSubstr("slow down"));
  r.headers.set("Retry-After", "7");
  EXPECT_EQ(error_from_status(r).retry_after, 7000ms);
  r.headers.set("Retry-After", "999999999");
  EXPECT_EQ(error_from_status(r).retry_after, 600000ms);
  r.headers.set("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
  EXPECT_EQ(error_from_status(r).retry_after, std::nullopt);
  EXPECT_EQ(
      error_from_status(Json({{"code", 504}, {"details", {{"retryAfterSeconds", 2}}}})).retry_after,
      2000ms);
}

TEST_F(ClientTest, AnErrorBodyThatIsNoStatusOrNoJsonIsStillAnError) {
  for (const char* body : {"", "<html>", "[]", "{\"kind\": \"Pod\"}", "{\"kind\": \"Status\"}",
                           "{\"kind\": \"Status\", \"reason\": 7, \"details\": []}"}) {
    const Error e = error_from_status(http::Response::json(503, body));
    EXPECT_EQ(e.code, ErrorCode::kUnavailable) << body;
    EXPECT_THAT(e.message, HasSubstr("503")) << body;
  }
}

TEST_F(ClientTest, ARedirectOrAnAnswerThatIsNoJsonIsAnError) {
  make(simple_config());
  call_ = client_->get(kPods, "x", "a", keep());
  answer(302, "");
  EXPECT_EQ(result_.error().code, ErrorCode::kInternal);
  call_ = client_->get(kPods, "x", "a", keep());
  answer(200, "<html>");
  EXPECT_EQ(result_.error().code, ErrorCode::kInternal);
}

TEST_F(ClientTest, AReleasedHandleStillBringsTheAnswer) {
  make(simple_config());
  client_->get(kPods, "x", "a", keep()).release();
  answer(200, "{}");
  EXPECT_EQ(answers_, 1);
  client_->get(kPods, "x", "", keep()).release();
  loop_.run_ready();
  EXPECT_EQ(answers_, 2);
}

TEST_F(ClientTest, ADestroyedHandleAbortsTheCall) {
  make(simple_config());
  call_ = client_->get(kPods, "x", "a", keep());
  ASSERT_TRUE(newest_.waiting());
  call_.cancel();
  EXPECT_TRUE(newest_->cancelled());
  call_ = client_->get(kPods, "x", "", keep());
  call_.cancel();
  loop_.run_ready();
  EXPECT_EQ(answers_, 0);
}

TEST_F(ClientTest, RequestsAreCountedByCodeAndMethod) {
  make(simple_config());
  call_ = client_->get(kPods, "x", "a", keep());
  answer(404, "{}");
  call_ = client_->get(kPods, "x", "a", keep());
  newest_->fail_connect();
  loop_.run_ready();
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("rest_client_requests_total{code=\"404\",method=\"GET\"} 1"));
  EXPECT_THAT(text, HasSubstr("rest_client_requests_total{code=\"<error>\",method=\"GET\"} 1"));
}

class TokenFileTest : public ClientTest {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("kube-token-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    config_ = simple_config();
    config_.token_file = folder_ / "token";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& token) {
    ASSERT_TRUE(write_file_atomic(config_.token_file, token));
  }
  std::string used() {
    call_ = client_->get(kPods, "x", "a", keep());
    return std::string(sent().headers.get("Authorization"));
  }
  std::filesystem::path folder_;
  Config config_;
};

TEST_F(TokenFileTest, TheFileWinsAndIsReadAgainEachMinute) {
  write("one\n");
  make(config_);
  EXPECT_EQ(used(), "Bearer one");
  write("two");
  EXPECT_EQ(used(), "Bearer one");
  loop_.advance(60s);
  EXPECT_EQ(used(), "Bearer two");
}

TEST_F(TokenFileTest, TheOldTokenStaysWhileTheFileCannotBeRead) {
  write("one");
  make(config_);
  EXPECT_EQ(used(), "Bearer one");
  std::filesystem::remove(config_.token_file);
  loop_.advance(5min);
  EXPECT_EQ(used(), "Bearer one");
  write("two");
  loop_.advance(10s);
  EXPECT_EQ(used(), "Bearer two");
}

TEST_F(TokenFileTest, ARejectedTokenIsDropped) {
  write("one");
  make(config_);
  EXPECT_EQ(used(), "Bearer one");
  write("two");
  answer(401, "{}");
  EXPECT_EQ(result_.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(used(), "Bearer two");
  std::filesystem::remove(config_.token_file);
  answer(401, "{}");
  const std::size_t before = transport_.sent().size();
  call_ = client_->get(kPods, "x", "a", keep());
  loop_.run_ready();
  EXPECT_EQ(transport_.sent().size(), before);
  EXPECT_EQ(result_.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(result_.error().message, HasSubstr("token"));
}

class WatchCallTest : public ClientTest {
 protected:
  void open() {
    make(simple_config());
    call_ = client_->watch(kPods, "x",
                           {.label_selector = "a=b", .field_selector = {}, .continue_token = {}},
                           "42", 300s, [this](Result<http::Response> r) {
                             ++answers_;
                             response_ = std::move(r);
                           });
  }
  fakes::FakeBody::Writer answer_stream(int status) {
    const auto body = std::make_shared<fakes::FakeBody>(loop_);
    http::Response r;
    r.status = status;
    r.body_source = body;
    newest_->answer(std::move(r));
    loop_.run_ready();
    return body->writer();
  }
  Result<http::Response> response_;
};

TEST_F(WatchCallTest, AsksForBookmarksAndAStream) {
  open();
  EXPECT_EQ(sent().target,
            "/base/api/v1/namespaces/x/pods?watch=true&allowWatchBookmarks=true"
            "&resourceVersion=42&timeoutSeconds=300&labelSelector=a%3Db");
  EXPECT_TRUE(newest_->options().stream);
  EXPECT_EQ(newest_->options().idle_timeout, Duration(305s));
  answer_stream(200);
  ASSERT_TRUE(response_);
  EXPECT_TRUE(response_->body_source);
}

TEST_F(WatchCallTest, AStreamedErrorBodyBecomesTheError) {
  open();
  auto stream = answer_stream(410);
  EXPECT_EQ(answers_, 0);
  stream.write(R"({"kind": "Status", "reason": )");
  stream.write(R"("Expired", "message": "old"})");
  stream.end();
  loop_.run_ready();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(response_.error().code, ErrorCode::kGone);
  EXPECT_EQ(response_.error().reason, "Expired");
}

TEST_F(WatchCallTest, AnErrorBodyThatNeverEndsIsCutInTimeAndSize) {
  open();
  auto stream = answer_stream(500);
  loop_.advance(5s);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(response_.error().code, ErrorCode::kUnavailable);
  open();
  stream = answer_stream(500);
  stream.write(std::string(1u << 20, 'x'));
  loop_.run_ready();
  EXPECT_EQ(answers_, 2);
}

TEST_F(WatchCallTest, AReleasedHandleStillBringsTheStreamedError) {
  open();
  call_.release();
  answer_stream(500).end();
  loop_.run_ready();
  EXPECT_EQ(answers_, 1);
}

TEST_F(WatchCallTest, ADestroyedHandleStopsReadingTheErrorBody) {
  open();
  const auto stream = answer_stream(500);
  call_.cancel();
  loop_.advance(10s);
  EXPECT_EQ(answers_, 0);
  EXPECT_TRUE(stream.dropped());
}

}  // namespace
}  // namespace berth::kube
