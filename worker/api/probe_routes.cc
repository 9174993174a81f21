#include "worker/api/worker_api.h"

// The second port: for the kubelet and Prometheus, without credentials and without anything secret.
namespace berth::worker {
namespace {

constexpr std::size_t kMaxDrainedWaiters = 100;

}  // namespace

void WorkerApi::add_probe_routes(http::Router& router) {
  router.add("GET", "/healthz",
             [](const ExchangePtr& e) { e->reply(http::Response::text(200, "ok\n")); });
  router.add("GET", "/readyz", [this](const ExchangePtr& e) {
    const auto ready = parts_.ready();
    e->reply(ready ? http::Response::text(200, "ok\n")
                   : http::Response::text(503, ready.error().text() + "\n"));
  });
  router.add("GET", "/metrics", [this](const ExchangePtr& e) {
    http::Response response = http::Response::text(200, parts_.metrics.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    e->reply(std::move(response));
  });
  router.add("GET", "/drained", [this](const ExchangePtr& e) { drained(e); });
}

// A preStop hook of the app containers beside the worker: it keeps them alive while sessions drain.
// A container that only restarts sees no SIGTERM at the worker and must not be held up.
void WorkerApi::drained(const ExchangePtr& exchange) {
  if (parts_.service.drained() || drained_waiters_.size() >= kMaxDrainedWaiters) {
    exchange->reply(http::Response::text(200, "drained\n"));
    return;
  }
  const std::uint64_t number = ++last_drained_;
  DrainedWaiter& waiter = drained_waiters_[number];
  waiter.exchange = exchange;
  if (!parts_.service.shutting_down()) {
    waiter.timer = parts_.loop.call_after(kDrainedPatience, [this, number] {
      const auto node = drained_waiters_.extract(number);
      node.mapped().exchange->reply(http::Response::text(200, "not stopping\n"));
    });
  }
  exchange->on_client_gone([this, number] { drained_waiters_.erase(number); });
}

void WorkerApi::on_shutdown_step() {
  if (!parts_.service.drained()) {
    for (auto& [number, waiter] : drained_waiters_) {
      waiter.timer.cancel();  // The signal has come: now it is as long as it takes.
    }
    return;
  }
  const auto waiters = std::exchange(drained_waiters_, {});
  for (const auto& [number, waiter] : waiters) {
    waiter.exchange->reply(http::Response::text(200, "drained\n"));
  }
}

}  // namespace berth::worker
