#include "tests/unit/kube/lease_world.h"

namespace berth::kube {
namespace {

http::Response refuse(int code, const std::string& reason) {
  const Json status = {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "test"}};
  return http::Response::json(code, status.dump());
}

Config some_config() {
  Config c;
  c.server = "http://api:1";
  return c;
}

LeaderSettings some_settings(std::string identity) {
  LeaderSettings s;
  s.ns = "berth";
  s.name = "operator";
  s.identity = std::move(identity);
  return s;
}

}  // namespace

http::Response LeaseStore::handle(const http::Request& request) {
  if (request.method == "GET") {
    return lease_ ? http::Response::json(200, lease_->dump()) : refuse(404, "NotFound");
  }
  const Json body = *parse_json(request.body);
  if (request.method == "POST") {
    return lease_ ? refuse(409, "AlreadyExists") : put(body);
  }
  if (!lease_) {
    return refuse(404, "NotFound");
  }
  return version_of(body) == version_of(*lease_) ? put(body) : refuse(409, "Conflict");
}

http::Response LeaseStore::put(Json lease) {
  lease["metadata"]["resourceVersion"] = std::to_string(++version_);
  lease_ = std::move(lease);
  ++writes_;
  return http::Response::json(200, lease_->dump());
}

Cancel DelayedTransport::send(const std::string& /*origin*/, http::Request request,
                              const http::CallOptions& /*options*/, DoneFn done) {
  const Delay delay = delay_(request);
  auto waiting = std::make_shared<DoneFn>(std::move(done));
  const auto answer = [this, waiting](const Result<http::Response>& result) {
    loop_.post([waiting, result] {
      if (const auto fn = std::exchange(*waiting, nullptr)) {
        fn(result);
      }
    });
  };
  // Carried out by the server whether or not the caller still waits.
  world_
      .call_after(delay.to,
                  [this, delay, answer, request = std::move(request)] {
                    Result<http::Response> result =
                        delay.refuse ? berth::fail(Error::make(ErrorCode::kUnavailable,
                                                               "ConnectFailed", "test"))
                                     : Result<http::Response>(store_.handle(request));
                    if (!delay.lose_answer) {
                      world_.call_after(delay.back, [answer, result] { answer(result); }).release();
                    }
                  })
      .release();
  return Cancel([waiting] { *waiting = nullptr; });
}

Process::Process(fakes::ManualLoop& world, LeaseStore& store, std::string identity,
                 std::uint64_t seed, DelayedTransport::DelayFn delay)
    : random_(seed),
      transport_(world, loop_, store, std::move(delay)),
      client_(loop_, transport_, some_config(), Log(), metrics_) {
  loop_.manual_clock().set(world.clock().now());
  LeaderElector::Events events;
  events.started = [this](std::int64_t epoch) { started.push_back(epoch); };
  events.lost = [this] { ++lost; };
  elector_ = std::make_unique<LeaderElector>(loop_, client_, random_, some_settings(identity),
                                             Log(), metrics_, events);
  elector_->start();
}

void Process::wake_clock(TimePoint now) {
  loop_.manual_clock().set(now);
}

void Process::run_until(TimePoint now) {
  const Duration left = now - loop_.clock().now();
  if (left > Duration::zero()) {
    loop_.advance(left);
  } else {
    loop_.stall(Duration::zero());
  }
}

}  // namespace berth::kube
