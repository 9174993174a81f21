#include "gateway/gateway.h"

#include <utility>

namespace berth::gateway {
namespace {

constexpr std::uint64_t kMaxCreateBody = 64u << 10;
constexpr std::uint64_t kMaxDeleteBody = 64u << 10;
/// The worker has limits of its own on what a session may send; this one only ends the endless.
constexpr std::uint64_t kMaxUpload = 1ull << 44;
constexpr std::string_view kPoolSessions = "/v1/namespaces/{ns}/pools/{pool}/sessions";
constexpr std::string_view kWorkerSessions =
    "/v1/namespaces/{ns}/pools/{pool}/workers/{pod}/sessions/{rest...}";

std::int64_t first_version(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::microseconds>(clock.wall_now().time_since_epoch())
      .count();
}

Error not_read(const char* code, std::string message) {
  Error error = Error::make(ErrorCode::kUnavailable, code, std::move(message));
  error.retry_after = std::chrono::seconds(1);
  return error;
}

}  // namespace

Gateway::Gateway(Parts parts, const Settings& settings)
    : loop_(parts.loop),
      metrics_(parts.metrics),
      log_(parts.log),
      audit_(parts.audit),
      client_(parts.transport, parts.signer),
      creation_metrics_(parts.metrics),
      board_(parts.loop, first_version(parts.loop.clock())),
      workers_(parts.loop, settings.workers,
               [this](const std::string& pool) { creator_.capacity_changed(pool); }),
      owners_(parts.loop.clock(), settings.workers.settle_time),
      slots_(parts.loop, parts.transport, parts.signer, parts.random, settings.slots, parts.log,
             {.heard = [this](const api::WorkerUid& uid,
                              api::Slots slots) { heard(uid, std::move(slots)); },
              .unreadable = [this](const api::WorkerUid& uid) { unreadable(uid); }}),
      give_back_(parts.loop, client_, parts.random, settings.give_back, parts.log),
      creator_({.loop = parts.loop,
                .pools = pools_,
                .workers = workers_,
                .owners = owners_,
                .client = client_,
                .give_back = give_back_,
                .random = parts.random,
                .metrics = creation_metrics_,
                .log = parts.log,
                .on_demand =
                    [this](const std::string& pool, std::size_t waiting) {
                      board_.changed(pool, waiting);
                      show(pool);
                    }},
               settings.creation),
      create_route_(creator_, {parts.authenticator, audit_}),
      proxy_route_(parts.loop, parts.transport, workers_, audit_, settings.proxy),
      list_route_(pools_, workers_, client_, {parts.authenticator, audit_}, settings.list),
      pools_route_(pools_, workers_, creator_, {parts.authenticator, audit_}),
      demand_route_(board_, creator_, parts.loop.clock(), settings.replica, parts.verify_operator),
      keys_route_(parts.loop, first_version(parts.loop.clock()), settings.replica,
                  std::move(parts.keys), std::move(parts.verify_operator)) {
  if (settings.ui) {
    live_feed_.emplace(loop_,
                       ui::Picture::Sources{
                           .clock = loop_.clock(),
                           .pools = pools_,
                           .workers = workers_,
                           .line = [this](const std::string& pool) { return creator_.line(pool); }},
                       settings.replica, *settings.ui);
    events_route_.emplace(*live_feed_, Door{parts.authenticator, audit_});
  }
  ages_ = metrics_.on_scrape([this] { creator_.show_ages(); });
}

Gateway::~Gateway() = default;

void Gateway::set_pool(const std::string& key, PoolCatalog::Ptr pool) {
  const bool gone = pool == nullptr;
  pools_.set(key, std::move(pool));
  if (gone) {
    creator_.pool_removed(key);
    board_.forget(key);
  } else {
    creation_metrics_.known(key);
    creator_.capacity_changed(key);
  }
  show(key);
}

void Gateway::show(const std::string& pool_key) {
  if (live_feed_) {
    live_feed_->changed(pool_key);
  }
}

void Gateway::set_pod(const WorkerPod& pod) {
  if (const WorkerView* before = workers_.find(pod.uid)) {
    show(before->pod.pool_key());  // somebody may have moved the label
  }
  workers_.upsert(pod);
  slots_.watch(pod);
  show(pod.pool_key());
}

void Gateway::remove_pod(const api::WorkerUid& uid) {
  if (const WorkerView* view = workers_.find(uid)) {
    show(view->pod.pool_key());
  }
  slots_.forget(uid);
  owners_.forget(uid);
  workers_.remove(uid);
}

void Gateway::heard(const api::WorkerUid& uid, api::Slots slots) {
  if (const WorkerView* view = workers_.find(uid)) {
    owners_.told(view->pod.pool_key(), uid, slots.owners);
    show(view->pod.pool_key());
    workers_.set_slots(uid, std::move(slots));
  }
}

void Gateway::unreadable(const api::WorkerUid& uid) {
  workers_.set_unreadable(uid);
  if (const WorkerView* view = workers_.find(uid)) {
    show(view->pod.pool_key());
  }
}

http::Handler Gateway::when_ready(http::Handler handler) {
  return [this, handler = std::move(handler)](const std::shared_ptr<http::Exchange>& exchange) {
    const std::string& in_path = exchange->param("ns");
    const std::string ns =
        in_path.empty() ? exchange->request().query("namespace").value_or("") : in_path;
    if (!settled()) {
      exchange->reply(not_read("Starting", "this gateway has not yet read the cluster's state"));
    } else if (!ns.empty() && !caches_.synced(ns)) {
      exchange->reply(not_read("NamespaceNotRead",
                               "this gateway may not read the pools and pods of namespace " + ns +
                                   "; its log says what is missing"));
    } else {
      handler(exchange);
    }
  };
}

void Gateway::add_routes(http::Router& router) {
  const auto to = [this](auto& route) {
    return when_ready([&route](const auto& exchange) { route.handle(exchange); });
  };
  router.add("POST", kPoolSessions, to(create_route_), {.max_bytes = kMaxCreateBody});
  router.add("GET", kPoolSessions, to(list_route_));
  router.add("GET", "/v1/pools", to(pools_route_));
  router.add("GET", "/v1/demand", to(demand_route_));
  // Says nothing of the cluster, so it needs no picture of it.
  router.add("GET", "/v1/keys", [this](const auto& exchange) { keys_route_.handle(exchange); });
  router.add("GET", kWorkerSessions, to(proxy_route_));
  router.add("DELETE", kWorkerSessions, to(proxy_route_), {.max_bytes = kMaxDeleteBody});
  for (const char* method : {"POST", "PUT"}) {
    router.add(method, kWorkerSessions, to(proxy_route_),
               {.max_bytes = kMaxUpload, .stream = true});
  }
  if (events_route_) {
    ui::add_page(router);
    router.add("GET", "/ui/events", to(*events_route_));
  }
}

void Gateway::add_probe_routes(http::Router& router) {
  router.add("GET", "/healthz", [](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->reply(http::Response::text(200, "ok\n"));
  });
  router.add("GET", "/readyz", [this](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->reply(ready() ? http::Response::text(200, "ok\n")
                            : http::Response::text(503, closing_ ? "stopping\n" : "starting\n"));
  });
  router.add("GET", "/metrics", [this](const std::shared_ptr<http::Exchange>& exchange) {
    http::Response response = http::Response::text(200, metrics_.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    exchange->reply(std::move(response));
  });
}

void Gateway::shut_down(Duration grace, std::function<void()> done) {
  closing_ = true;
  closed_ = std::move(done);
  if (live_feed_) {
    live_feed_->close();
  }
  log_.info("stopping",
            {{"open_requests", creator_.open_requests()}, {"to_give_back", give_back_.pending()}});
  grace_ = loop_.call_after(grace, [this] {
    log_.warn("stopping with work under way", {{"open_requests", creator_.open_requests()},
                                               {"to_give_back", give_back_.pending()}});
    finish_shut_down();
  });
  creator_.shut_down([this] { give_back_.when_idle([this] { finish_shut_down(); }); });
}

void Gateway::finish_shut_down() {
  if (auto closed = std::exchange(closed_, nullptr)) {
    grace_.cancel();
    closed();
  }
}

}  // namespace berth::gateway
