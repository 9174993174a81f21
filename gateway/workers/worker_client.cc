#include "gateway/workers/worker_client.h"

#include <utility>

#include "berth/http/server.h"

namespace berth::gateway {
namespace {

constexpr std::chrono::seconds kGiveBackDeadline{5};
constexpr std::chrono::seconds kListDeadline{5};
constexpr std::uint64_t kMaxListBytes = 16u << 20;
constexpr std::uint64_t kMaxAnswerBytes = 256u << 10;

Result<Json> json_of(Result<http::Response> result) {
  if (!result) {
    return fail(std::move(result).error());
  }
  if (result->status != 200) {
    return fail(http::error_from_response(*result));
  }
  return parse_json(result->body);
}

}  // namespace

http::Request WorkerClient::request(std::string method, std::string target,
                                    const WorkerPod& pod) const {
  http::Request out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers.add("Authorization", "Bearer " + signer_.token(pod.uid.str()));
  return out;
}

Cancel WorkerClient::create(const WorkerPod& pod, std::string body, Duration deadline,
                            ResponseFn done) {
  http::Request create = request("POST", "/v1/sessions", pod);
  create.headers.add("Content-Type", "application/json");
  create.body = std::move(body);
  http::CallOptions options;
  options.server_name = pod.server_name();
  options.deadline = deadline;
  options.max_body = kMaxAnswerBytes;
  return transport_.send(pod.origin(), std::move(create), options, std::move(done));
}

Cancel WorkerClient::give_back(const WorkerPod& pod, const api::SessionId& id,
                               const std::string& attempt, ResponseFn done) {
  http::CallOptions options;
  options.server_name = pod.server_name();
  options.deadline = kGiveBackDeadline;
  options.max_body = kMaxAnswerBytes;
  const std::string target =
      "/v1/sessions/" + id.str() + "?attempt=" + http::percent_encode(attempt);
  return transport_.send(pod.origin(), request("DELETE", target, pod), options, std::move(done));
}

Cancel WorkerClient::sessions(const WorkerPod& pod,
                              std::function<void(Result<std::vector<Json>>)> done) {
  http::CallOptions options;
  options.server_name = pod.server_name();
  options.deadline = kListDeadline;
  options.max_body = kMaxListBytes;
  return transport_.send(
      pod.origin(), request("GET", "/v1/sessions", pod), options,
      [done = std::move(done)](Result<http::Response> result) {
        auto body = json_of(std::move(result));
        if (!body) {
          return done(fail(std::move(body).error()));
        }
        const auto list = body->is_object() ? body->find("sessions") : body->end();
        if (list == body->end() || !list->is_array()) {
          return done(fail(Error::internal("the worker's list has no member \"sessions\"")));
        }
        done(std::move(list->get_ref<Json::array_t&>()));
      });
}

}  // namespace berth::gateway
