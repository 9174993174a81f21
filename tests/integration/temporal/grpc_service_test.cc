#include "temporal/rpc/grpc_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "tests/fakes/certificates.h"
#include "tests/fakes/temp_dir.h"
#include "workflow_service.grpc.pb.h"

namespace berth::temporal {
namespace {

namespace pb = ::temporal::api::workflowservice::v1;
using std::chrono::seconds;
using testing::HasSubstr;

/// Keeps what it was asked, and answers what the test set.
class Server final : public pb::WorkflowService::Service {
 public:
  grpc::Status PollActivityTaskQueue(grpc::ServerContext* context,
                                     const pb::PollActivityTaskQueueRequest* request,
                                     pb::PollActivityTaskQueueResponse* response) override {
    keep(*context, *request);
    poll_time = std::chrono::system_clock::from_time_t(0) < context->deadline()
                    ? context->deadline() - std::chrono::system_clock::now()
                    : Duration(0);
    std::unique_lock lock(mutex_);
    polls_.notify_all();
    ++polling_;
    polls_.wait(lock, [&] { return !hold_polls || context->IsCancelled(); });
    *response = task;
    return status;
  }
  grpc::Status DescribeTaskQueue(grpc::ServerContext* context,
                                 const pb::DescribeTaskQueueRequest* request,
                                 pb::DescribeTaskQueueResponse* response) override {
    response->mutable_stats()->set_approximate_backlog_count(17);
    return keep(*context, *request);
  }
  grpc::Status RecordActivityTaskHeartbeat(
      grpc::ServerContext* context, const pb::RecordActivityTaskHeartbeatRequest* request,
      pb::RecordActivityTaskHeartbeatResponse* response) override {
    response->set_cancel_requested(true);
    return keep(*context, *request);
  }
  grpc::Status RespondActivityTaskCompleted(grpc::ServerContext* context,
                                            const pb::RespondActivityTaskCompletedRequest* request,
                                            pb::RespondActivityTaskCompletedResponse*) override {
    return keep(*context, *request);
  }
  grpc::Status RespondActivityTaskFailed(grpc::ServerContext* context,
                                         const pb::RespondActivityTaskFailedRequest* request,
                                         pb::RespondActivityTaskFailedResponse*) override {
    return keep(*context, *request);
  }
  grpc::Status RespondActivityTaskCanceled(grpc::ServerContext* context,
                                           const pb::RespondActivityTaskCanceledRequest* request,
                                           pb::RespondActivityTaskCanceledResponse*) override {
    return keep(*context, *request);
  }
  grpc::Status SignalWorkflowExecution(grpc::ServerContext* context,
                                       const pb::SignalWorkflowExecutionRequest* request,
                                       pb::SignalWorkflowExecutionResponse*) override {
    return keep(*context, *request);
  }

  void wait_for_poll() {
    std::unique_lock lock(mutex_);
    polls_.wait(lock, [&] { return polling_ > 0; });
  }
  void let_polls_look() { polls_.notify_all(); }

  grpc::Status status = grpc::Status::OK;
  pb::PollActivityTaskQueueResponse task;
  bool hold_polls = false;
  std::string asked;  ///< The last request, as text.
  std::map<std::string, std::string> metadata;
  Duration poll_time{};

 private:
  template <class Request>
  grpc::Status keep(const grpc::ServerContext& context, const Request& request) {
    asked = request.ShortDebugString();
    for (const auto& [key, value] : context.client_metadata()) {
      metadata[std::string(key.data(), key.size())] = std::string(value.data(), value.size());
    }
    return status;
  }

  std::mutex mutex_;
  std::condition_variable polls_;
  int polling_ = 0;
};

class GrpcServiceTest : public testing::Test {
 protected:
  void serve(std::shared_ptr<grpc::ServerCredentials> credentials) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port);
    builder.RegisterService(&server);
    running = builder.BuildAndStart();
    ASSERT_TRUE(running);
    connection.address = "127.0.0.1:" + std::to_string(port);
    connection.ns = "orders";
    connection.identity = "berth-temporal@test";
  }
  void SetUp() override { serve(grpc::InsecureServerCredentials()); }
  void connect() { service = make_grpc_service(loop, connection); }
  void TearDown() override {
    service.reset();
    if (running) {
      running->Shutdown(std::chrono::system_clock::now());
    }
  }

  /// The answer of one call.
  template <class T, class Start>
  Result<T> ask(Start start) {
    if (!service) {
      connect();
    }
    std::optional<Result<T>> answer;
    const Cancel call = start([&](Result<T> result) {
      answer = std::move(result);
      loop.stop();
    });
    loop.run();
    return *answer;
  }
  Result<std::optional<ActivityTask>> poll() {
    return ask<std::optional<ActivityTask>>(
        [&](auto done) { return service->poll("q", seconds(10), std::move(done)); });
  }
  Result<std::int64_t> backlog() {
    return ask<std::int64_t>([&](auto done) { return service->backlog("q", std::move(done)); });
  }

  AsioLoop loop;
  Server server;
  Connection connection;
  std::unique_ptr<grpc::Server> running;
  std::unique_ptr<Service> service;
};

TEST_F(GrpcServiceTest, PollsForATask) {
  server.task.set_task_token(std::string("t\0k", 3));
  server.task.mutable_workflow_execution()->set_workflow_id("order-7");
  server.task.mutable_workflow_execution()->set_run_id("run-1");
  server.task.mutable_activity_type()->set_name("render");
  server.task.set_activity_id("5");
  server.task.set_attempt(2);
  server.task.mutable_start_to_close_timeout()->set_seconds(300);
  server.task.mutable_heartbeat_timeout()->set_nanos(500'000'000);
  auto& argument = *server.task.mutable_input()->add_payloads();
  (*argument.mutable_metadata())["encoding"] = "json/plain";
  argument.set_data("{\"page\":1}");

  const auto task = poll().value().value();
  EXPECT_EQ(task.token, std::string("t\0k", 3));
  EXPECT_EQ(task.workflow_id, "order-7");
  EXPECT_EQ(task.run_id, "run-1");
  EXPECT_EQ(task.type, "render");
  EXPECT_EQ(task.activity_id, "5");
  EXPECT_EQ(task.attempt, 2);
  EXPECT_EQ(task.start_to_close, Duration(seconds(300)));
  EXPECT_EQ(task.heartbeat_timeout, Duration(std::chrono::milliseconds(500)));
  EXPECT_EQ(arguments(task.input).value(), Json({{"page", 1}}));
  EXPECT_EQ(
      server.asked,
      "namespace: \"orders\" task_queue { name: \"q\" kind: TASK_QUEUE_KIND_NORMAL } identity: "
      "\"berth-temporal@test\"");
  EXPECT_EQ(server.metadata["temporal-namespace"], "orders");
  EXPECT_EQ(server.metadata.count("authorization"), 0u);
  // A server answers nothing a second before the deadline that it is told.
  EXPECT_GT(server.poll_time, Duration(seconds(10)));
  EXPECT_LT(server.poll_time, Duration(seconds(12)));  // gRPC rounds up what it sends.
}

TEST_F(GrpcServiceTest, AnEmptyAnswerIsNoTask) {
  EXPECT_EQ(poll().value(), std::nullopt);
}

TEST_F(GrpcServiceTest, CountsWhatWaits) {
  EXPECT_EQ(backlog().value(), 17);
  EXPECT_THAT(server.asked, HasSubstr("task_queue_type: TASK_QUEUE_TYPE_ACTIVITY"));
  EXPECT_THAT(server.asked, HasSubstr("report_stats: true"));
}

TEST_F(GrpcServiceTest, HeartbeatsCarryDetailsAndBringTheCancel) {
  const auto cancel = ask<bool>([&](auto done) {
    return service->heartbeat("t", {{"percent", 4}}, std::move(done));
  });
  EXPECT_EQ(cancel, true);
  EXPECT_THAT(server.asked, HasSubstr("data: \"{\\\"percent\\\":4}\""));
}

TEST_F(GrpcServiceTest, OutcomesArriveWhole) {
  ASSERT_TRUE(ask<void>([&](auto done) { return service->completed("t", 7, std::move(done)); }));
  EXPECT_THAT(server.asked, HasSubstr("result { payloads { metadata { key: \"encoding\" value: "
                                      "\"json/plain\" } data: \"7\" } }"));
  ASSERT_TRUE(
      ask<void>([&](auto done) { return service->completed("t", nullptr, std::move(done)); }));
  EXPECT_EQ(server.asked,
            "task_token: \"t\" identity: \"berth-temporal@test\" namespace: \"orders\"");
  ASSERT_TRUE(ask<void>([&](auto done) {
    return service->failed("t",
                           {.type = "ExitStatus",
                            .message = "exit status 3",
                            .non_retryable = true,
                            .details = {{"exitStatus", 3}},
                            .next_retry = std::chrono::milliseconds(1500)},
                           std::move(done));
  }));
  EXPECT_THAT(server.asked,
              HasSubstr("failure { message: \"exit status 3\" source: \"Berth\" "
                        "application_failure_info { type: \"ExitStatus\" non_retryable: true"));
  EXPECT_THAT(server.asked, HasSubstr("next_retry_delay { seconds: 1 nanos: 500000000 }"));
  ASSERT_TRUE(ask<void>([&](auto done) { return service->cancelled("t", std::move(done)); }));
}

TEST_F(GrpcServiceTest, SignalsCarryOneArgumentAndTheirId) {
  ASSERT_TRUE(ask<void>([&](auto done) {
    return service->signal("order-7", "run-1", "id", {{"Taskqueue", "s@w"}}, "once",
                           std::move(done));
  }));
  EXPECT_THAT(server.asked, HasSubstr("workflow_id: \"order-7\" run_id: \"run-1\""));
  EXPECT_THAT(server.asked, HasSubstr("signal_name: \"id\""));
  EXPECT_THAT(server.asked, HasSubstr("request_id: \"once\""));
  EXPECT_THAT(server.asked, HasSubstr("{\\\"Taskqueue\\\":\\\"s@w\\\"}"));
}

TEST_F(GrpcServiceTest, StatusesBecomeErrorsOfTheirKind) {
  const std::map<grpc::StatusCode, ErrorCode> kinds = {
      {grpc::NOT_FOUND, ErrorCode::kNotFound},
      {grpc::INVALID_ARGUMENT, ErrorCode::kInvalidArgument},
      {grpc::RESOURCE_EXHAUSTED, ErrorCode::kResourceExhausted},
      {grpc::UNAVAILABLE, ErrorCode::kUnavailable},
      {grpc::INTERNAL, ErrorCode::kUnavailable},
      {grpc::PERMISSION_DENIED, ErrorCode::kPermissionDenied},
      {grpc::UNAUTHENTICATED, ErrorCode::kUnauthenticated},
      {grpc::FAILED_PRECONDITION, ErrorCode::kConflict},
      {grpc::UNIMPLEMENTED, ErrorCode::kUnimplemented}};
  for (const auto& [status, code] : kinds) {
    server.status = grpc::Status(status, "because");
    const auto answer = backlog();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code) << status;
    EXPECT_EQ(answer.error().message, "Temporal's DescribeTaskQueue: because");
  }
}

TEST_F(GrpcServiceTest, AServerThatIsNotThereIsUnavailable) {
  running->Shutdown(std::chrono::system_clock::now());
  EXPECT_EQ(backlog().error().code, ErrorCode::kUnavailable);
}

TEST_F(GrpcServiceTest, TheApiKeyGoesWithEachCall) {
  std::string key = "first";
  connection.api_key = [&] { return key; };
  ASSERT_TRUE(backlog());
  EXPECT_EQ(server.metadata["authorization"], "Bearer first");
  key = "second";
  ASSERT_TRUE(backlog());
  EXPECT_EQ(server.metadata["authorization"], "Bearer second");
}

TEST_F(GrpcServiceTest, EndsWithAPollUnderWay) {
  server.hold_polls = true;
  connect();
  bool told = false;
  Cancel call = service->poll("q", seconds(60), [&](const auto&) { told = true; });
  server.wait_for_poll();
  std::thread looking([&] {
    while (running) {
      server.let_polls_look();  // Whether they were cancelled: gRPC tells nobody.
      std::this_thread::yield();
    }
  });
  call.cancel();
  service.reset();
  running->Shutdown();
  running.reset();
  looking.join();
  EXPECT_FALSE(told);
}

class GrpcTlsTest : public GrpcServiceTest {
 protected:
  void SetUp() override {
    const auto certificate = authority.issue("temporal", "DNS:temporal.example,IP:127.0.0.1");
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = authority.pem();
    options.pem_key_cert_pairs = {{certificate.key_pem, certificate.cert_pem}};
    serve(grpc::SslServerCredentials(options));
    const auto own = authority.issue("caller", "DNS:caller");
    connection.tls = true;
    connection.ca_file = write("ca.pem", authority.pem());
    connection.certificate_file = write("tls.crt", own.cert_pem);
    connection.key_file = write("tls.key", own.key_pem);
  }
  std::string write(const std::string& name, const std::string& text) {
    const auto path = dir.path() / name;
    std::ofstream(path) << text;
    return path;
  }

  fakes::TempDir dir;
  fakes::CertificateAuthority authority{"test"};
};

TEST_F(GrpcTlsTest, BothSidesProveWhoTheyAre) {
  const auto count = backlog();
  ASSERT_TRUE(count) << count.error().text();
  EXPECT_EQ(*count, 17);
}

TEST_F(GrpcTlsTest, TheServersNameMayBeAnother) {
  connection.server_name = "temporal.example";
  EXPECT_TRUE(backlog());
}

TEST_F(GrpcTlsTest, AServerOfAnotherNameIsRefused) {
  connection.server_name = "other.example";
  EXPECT_EQ(backlog().error().code, ErrorCode::kUnavailable);
}

TEST_F(GrpcTlsTest, AServerOfAnotherAuthorityIsRefused) {
  connection.ca_file = write("other.pem", fakes::CertificateAuthority("other").pem());
  EXPECT_EQ(backlog().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace berth::temporal
