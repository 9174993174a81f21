#include "temporal/rpc/grpc_service.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "workflow_service.grpc.pb.h"

namespace berth::temporal {
namespace {

namespace pb = ::temporal::api::workflowservice::v1;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kCallTimeout = seconds(10);
// The server answers an empty poll a second before the deadline that it is told.
constexpr Duration kPollMargin = seconds(1);
constexpr unsigned kLookAtFiles = 30;  // Seconds.

ErrorCode code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return ErrorCode::kInvalidArgument;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kResourceExhausted;
    case grpc::StatusCode::PERMISSION_DENIED:
      return ErrorCode::kPermissionDenied;
    case grpc::StatusCode::UNAUTHENTICATED:
      return ErrorCode::kUnauthenticated;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return ErrorCode::kConflict;
    case grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::kUnimplemented;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kUnavailable;  // UNAVAILABLE, UNKNOWN, ABORTED, INTERNAL, CANCELLED.
  }
}

Error error_of(const char* call, const grpc::Status& status) {
  return Error::make(code_of(status.error_code()), "",
                     std::string("Temporal's ") + call + ": " + status.error_message());
}

Duration from_proto(const google::protobuf::Duration& d) {
  constexpr std::int64_t kLongest = 10LL * 366 * 24 * 3600;
  return seconds(std::clamp<std::int64_t>(d.seconds(), 0, kLongest)) +
         std::chrono::nanoseconds(std::clamp(d.nanos(), 0, 999'999'999));
}

void to_proto(Duration d, google::protobuf::Duration& out) {
  const auto whole = std::chrono::floor<seconds>(d);
  out.set_seconds(whole.count());
  out.set_nanos(static_cast<std::int32_t>((d - whole).count()));
}

void add(const Payload& payload, pb::Payloads& out) {
  pb::Payload& p = *out.add_payloads();
  p.mutable_metadata()->insert(payload.metadata.begin(), payload.metadata.end());
  p.set_data(payload.data);
}

ActivityTask to_task(const pb::PollActivityTaskQueueResponse& r) {
  ActivityTask task{r.task_token(),
                    r.workflow_execution().workflow_id(),
                    r.workflow_execution().run_id(),
                    r.activity_type().name(),
                    r.activity_id(),
                    {},
                    r.attempt(),
                    from_proto(r.start_to_close_timeout()),
                    from_proto(r.heartbeat_timeout())};
  for (const pb::Payload& p : r.input().payloads()) {
    task.input.push_back({{p.metadata().begin(), p.metadata().end()}, p.data()});
  }
  return task;
}

// A call under way, which gRPC writes into until its tag comes out of the queue.
class Flight {
 public:
  virtual ~Flight() = default;
  grpc::ClientContext context;
  /// On the queue's thread.
  virtual void landed(EventLoop& loop) = 0;
};

template <class Response>
class Call final : public Flight, public std::enable_shared_from_this<Call<Response>> {
 public:
  using DoneFn = std::function<void(const grpc::Status&, const Response&)>;
  explicit Call(DoneFn done) : done_(std::move(done)) {}

  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  Response response;
  grpc::Status status;

  void landed(EventLoop& loop) override {
    loop.post([self = this->shared_from_this()] {
      if (const auto done = std::exchange(self->done_, nullptr)) {
        done(self->status, self->response);
      }
    });
  }
  /// On the loop.
  void cancel() {
    if (std::exchange(done_, nullptr)) {
      context.TryCancel();
    }
  }

 private:
  DoneFn done_;  ///< Of the loop's thread.
};

// The calls under way and the thread that takes them out of gRPC's hands.
class Flights {
 public:
  explicit Flights(EventLoop& loop) : loop_(loop), thread_([this] { run(); }) {}
  // Cancels what is under way; afterwards gRPC writes nowhere any more.
  ~Flights() {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [tag, flight] : flying_) {
        flight->context.TryCancel();
      }
    }
    queue_.Shutdown();
    thread_.join();
  }
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  grpc::CompletionQueue& queue() { return queue_; }
  void add(const std::shared_ptr<Flight>& flight) {
    const std::lock_guard lock(mutex_);
    flying_.emplace(flight.get(), flight);
  }

 private:
  void run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      std::shared_ptr<Flight> flight;
      {
        const std::lock_guard lock(mutex_);
        flight = std::move(flying_.extract(tag).mapped());
      }
      flight->landed(loop_);
    }
  }

  EventLoop& loop_;
  grpc::CompletionQueue queue_;
  std::mutex mutex_;
  std::map<void*, std::shared_ptr<Flight>> flying_;
  std::thread thread_;
};

using Stub = pb::WorkflowService::Stub;
template <class Request, class Response>
using Method = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*)(
    grpc::ClientContext*, const Request&, grpc::CompletionQueue*);

class GrpcService final : public Service {
 public:
  GrpcService(EventLoop& loop, Connection connection)
      : connection_(std::move(connection)), flights_(loop) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 15'000);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
    arguments.SetUserAgentPrefix("berth-temporal");
    if (!connection_.server_name.empty()) {
      arguments.SetSslTargetNameOverride(connection_.server_name);
    }
    stub_ = pb::WorkflowService::NewStub(
        grpc::CreateCustomChannel(connection_.address, credentials(), arguments));
  }

  Cancel poll(const std::string& queue, Duration wait,
              DoneFn<std::optional<ActivityTask>> done) override {
    pb::PollActivityTaskQueueRequest request;
    request.set_namespace_(connection_.ns);
    request.set_identity(connection_.identity);
    set(queue, *request.mutable_task_queue());
    return call<pb::PollActivityTaskQueueResponse>(
        "PollActivityTaskQueue", &Stub::PrepareAsyncPollActivityTaskQueue, request,
        wait + kPollMargin, std::move(done), [](const pb::PollActivityTaskQueueResponse& r) {
          return r.task_token().empty() ? std::nullopt : std::optional(to_task(r));
        });
  }

  Cancel backlog(const std::string& queue, DoneFn<std::int64_t> done) override {
    pb::DescribeTaskQueueRequest request;
    request.set_namespace_(connection_.ns);
    set(queue, *request.mutable_task_queue());
    request.set_task_queue_type(pb::TASK_QUEUE_TYPE_ACTIVITY);
    request.set_report_stats(true);
    return call<pb::DescribeTaskQueueResponse>(
        "DescribeTaskQueue", &Stub::PrepareAsyncDescribeTaskQueue, request, kCallTimeout,
        std::move(done), [](const pb::DescribeTaskQueueResponse& r) -> std::int64_t {
          return std::max<std::int64_t>(r.stats().approximate_backlog_count(), 0);
        });
  }

  Cancel heartbeat(const std::string& token, const Json& details, DoneFn<bool> done) override {
    auto request = about<pb::RecordActivityTaskHeartbeatRequest>(token);
    if (!details.is_null()) {
      add(to_payload(details), *request.mutable_details());
    }
    return call<pb::RecordActivityTaskHeartbeatResponse>(
        "RecordActivityTaskHeartbeat", &Stub::PrepareAsyncRecordActivityTaskHeartbeat, request,
        kCallTimeout, std::move(done),
        [](const pb::RecordActivityTaskHeartbeatResponse& r) { return r.cancel_requested(); });
  }

  Cancel completed(const std::string& token, const Json& result, DoneFn<void> done) override {
    auto request = about<pb::RespondActivityTaskCompletedRequest>(token);
    if (!result.is_null()) {
      add(to_payload(result), *request.mutable_result());
    }
    return call<pb::RespondActivityTaskCompletedResponse>(
        "RespondActivityTaskCompleted", &Stub::PrepareAsyncRespondActivityTaskCompleted, request,
        kCallTimeout, std::move(done));
  }

  Cancel failed(const std::string& token, const Failure& failure, DoneFn<void> done) override {
    auto request = about<pb::RespondActivityTaskFailedRequest>(token);
    pb::Failure& out = *request.mutable_failure();
    out.set_message(failure.message);
    out.set_source("Berth");
    pb::ApplicationFailureInfo& info = *out.mutable_application_failure_info();
    info.set_type(failure.type);
    info.set_non_retryable(failure.non_retryable);
    if (!failure.details.is_null()) {
      add(to_payload(failure.details), *info.mutable_details());
    }
    if (failure.next_retry) {
      to_proto(*failure.next_retry, *info.mutable_next_retry_delay());
    }
    return call<pb::RespondActivityTaskFailedResponse>("RespondActivityTaskFailed",
                                                       &Stub::PrepareAsyncRespondActivityTaskFailed,
                                                       request, kCallTimeout, std::move(done));
  }

  Cancel cancelled(const std::string& token, DoneFn<void> done) override {
    return call<pb::RespondActivityTaskCanceledResponse>(
        "RespondActivityTaskCanceled", &Stub::PrepareAsyncRespondActivityTaskCanceled,
        about<pb::RespondActivityTaskCanceledRequest>(token), kCallTimeout, std::move(done));
  }

  Cancel signal(const std::string& workflow_id, const std::string& run_id, const std::string& name,
                const Json& argument, const std::string& request_id, DoneFn<void> done) override {
    pb::SignalWorkflowExecutionRequest request;
    request.set_namespace_(connection_.ns);
    request.set_identity(connection_.identity);
    request.mutable_workflow_execution()->set_workflow_id(workflow_id);
    request.mutable_workflow_execution()->set_run_id(run_id);
    request.set_signal_name(name);
    request.set_request_id(request_id);
    add(to_payload(argument), *request.mutable_input());
    return call<pb::SignalWorkflowExecutionResponse>("SignalWorkflowExecution",
                                                     &Stub::PrepareAsyncSignalWorkflowExecution,
                                                     request, kCallTimeout, std::move(done));
  }

 private:
  std::shared_ptr<grpc::ChannelCredentials> credentials() const {
    if (!connection_.tls) {
      return grpc::InsecureChannelCredentials();
    }
    namespace tls = grpc::experimental;
    tls::TlsChannelCredentialsOptions options;
    if (!connection_.ca_file.empty() || !connection_.certificate_file.empty()) {
      options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
          connection_.key_file, connection_.certificate_file, connection_.ca_file, kLookAtFiles));
    }
    if (!connection_.ca_file.empty()) {
      options.watch_root_certs();
    }
    if (!connection_.certificate_file.empty()) {
      options.watch_identity_key_cert_pairs();
    }
    return tls::TlsCredentials(options);
  }

  static void set(const std::string& queue, pb::TaskQueue& out) {
    out.set_name(queue);
    out.set_kind(pb::TASK_QUEUE_KIND_NORMAL);
  }

  template <class Request>
  Request about(const std::string& token) const {
    Request request;
    request.set_task_token(token);
    request.set_namespace_(connection_.ns);
    request.set_identity(connection_.identity);
    return request;
  }

  // The calls that answer nothing.
  template <class Response, class Request>
  Cancel call(const char* name, Method<Request, Response> method, const Request& request,
              Duration timeout, DoneFn<void> done) {
    return start<Response>(
        method, request, timeout,
        [name, done = std::move(done)](const grpc::Status& status, const Response&) {
          done(status.ok() ? Status() : fail(error_of(name, status)));
        });
  }

  template <class Response, class Request, class T, class Read>
  Cancel call(const char* name, Method<Request, Response> method, const Request& request,
              Duration timeout, DoneFn<T> done, Read read) {
    return start<Response>(
        method, request, timeout,
        [name, read, done = std::move(done)](const grpc::Status& status, const Response& response) {
          if (status.ok()) {
            done(read(response));
          } else {
            done(fail(error_of(name, status)));
          }
        });
  }

  template <class Response, class Request>
  Cancel start(Method<Request, Response> method, const Request& request, Duration timeout,
               std::function<void(const grpc::Status&, const Response&)> done) {
    const auto call = std::make_shared<Call<Response>>(std::move(done));
    call->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::duration_cast<milliseconds>(timeout));
    call->context.AddMetadata("temporal-namespace", connection_.ns);
    call->context.AddMetadata("client-name", "berth");
    if (const std::string key = connection_.api_key ? connection_.api_key() : ""; !key.empty()) {
      call->context.AddMetadata("authorization", "Bearer " + key);
    }
    call->reader = (stub_.get()->*method)(&call->context, request, &flights_.queue());
    Flight* const tag = call.get();
    flights_.add(call);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, tag);
    return Cancel([call] { call->cancel(); });
  }

  const Connection connection_;
  std::unique_ptr<Stub> stub_;
  Flights flights_;
};

}  // namespace

std::unique_ptr<Service> make_grpc_service(EventLoop& loop, Connection connection) {
  return std::make_unique<GrpcService>(loop, std::move(connection));
}

}  // namespace berth::temporal
