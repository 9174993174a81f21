#include "berth/control/worker_control.h"

#include <algorithm>

#include "berth/http/server.h"

namespace berth::control {
namespace {

/// The most that a worker takes.
constexpr Duration kLongestDrain = std::chrono::hours(30 * 24);

}  // namespace

Cancel WorkerControl::cordon(const WorkerTarget& worker, std::int64_t epoch, DoneFn done) {
  return post(worker, "/v1/cordon", "{\"epoch\":" + std::to_string(epoch) + "}", std::move(done));
}

Cancel WorkerControl::uncordon(const WorkerTarget& worker, std::int64_t epoch, DoneFn done) {
  return post(worker, "/v1/uncordon", "{\"epoch\":" + std::to_string(epoch) + "}", std::move(done));
}

Cancel WorkerControl::drain(const WorkerTarget& worker, std::int64_t epoch, Duration left,
                            DoneFn done) {
  const auto seconds = std::max<std::int64_t>(
      0, std::chrono::ceil<std::chrono::seconds>(std::min(left, kLongestDrain)).count());
  return post(
      worker, "/v1/drain",
      "{\"epoch\":" + std::to_string(epoch) + ",\"seconds\":" + std::to_string(seconds) + "}",
      std::move(done));
}

Cancel WorkerControl::retire(const WorkerTarget& worker, DoneFn done) {
  return post(worker, "/v1/retire", "{}", std::move(done));
}

Cancel WorkerControl::post(const WorkerTarget& worker, std::string path, std::string body,
                           DoneFn done) {
  http::Request request;
  request.method = "POST";
  request.target = std::move(path);
  request.headers.add("Authorization", "Bearer " + signer_.token(worker.uid.str()));
  request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  http::CallOptions options;
  options.deadline = std::chrono::seconds(5);
  options.max_body = 64u << 10;
  options.server_name = worker.server_name;
  return transport_.send(worker.origin, std::move(request), options,
                         [done = std::move(done)](Result<http::Response> response) {
                           if (!response) {
                             done(fail(std::move(response).error()));
                           } else if (response->status >= 300) {
                             done(fail(http::error_from_response(*response)));
                           } else {
                             done({});
                           }
                         });
}

}  // namespace berth::control
