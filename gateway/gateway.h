#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/http/server.h"
#include "berth/http/transport.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "gateway/api/authenticator.h"
#include "gateway/api/create_route.h"
#include "gateway/api/keys_route.h"
#include "gateway/api/list_route.h"
#include "gateway/api/overview_routes.h"
#include "gateway/api/proxy_route.h"
#include "gateway/creation/session_creator.h"
#include "gateway/placement/demand_board.h"
#include "gateway/ui/live_feed.h"
#include "gateway/ui/page_routes.h"
#include "gateway/workers/pool_catalog.h"
#include "gateway/workers/slots_watcher.h"
#include "gateway/workers/worker_client.h"

namespace berth::gateway {

/// The whole gateway but its sockets: told of pools and pods, it serves the routes. Replicas share
/// no state. Loop thread only. Destroy the servers that use its routes first.
class Gateway {
 public:
  struct Parts {
    EventLoop& loop;
    http::Transport& transport;  ///< To workers.
    Random& random;
    Metrics& metrics;
    Log audit = {};  ///< See AuditLog.
    Authenticator& authenticator;
    auth::TokenSigner& signer;  ///< Of tokens for workers.
    DemandRoute::VerifyOperator verify_operator;
    std::function<OwnKeys()> keys =
        {};  ///< Told to operators; keys_changed() when they are others.
    Log log;
  };
  struct Settings {
    std::string replica;
    SessionCreator::Settings creation;
    WorkerTable::Settings workers;
    SlotsWatcher::Settings slots;
    GiveBack::Settings give_back;
    ProxyRoute::Settings proxy;
    ListRoute::Settings list;
    std::optional<ui::LiveFeed::Settings> ui;  ///< Absent: there is no live page.
  };
  Gateway(Parts parts, const Settings& settings);
  ~Gateway();

  /// A pool as it is now; null: it is gone.
  void set_pool(const std::string& key, PoolCatalog::Ptr pool);
  /// A worker's pod as it is now.
  void set_pod(const WorkerPod& pod);
  void remove_pod(const api::WorkerUid& uid);
  /// What is known of the cluster.
  struct Caches {
    std::function<bool()> settled;                      ///< All is read that may be read.
    std::function<bool(const std::string& ns)> synced;  ///< That namespace is read.
  };
  /// Asked before anything is answered that needs the picture. Until they are set nothing is ready.
  void set_caches(Caches caches) { caches_ = std::move(caches); }
  bool ready() const { return settled() && !closing_; }

  void keys_changed() { keys_route_.changed(); }

  void add_routes(http::Router& router);
  /// /healthz, /readyz, /metrics.
  void add_probe_routes(http::Router& router);

  /// Says "not ready" from now on and serves as before, until those who read /readyz have noticed.
  void stop_being_ready() { closing_ = true; }
  /// Refuses all that is new or waiting; `done` once creates under way are answered and sessions of
  /// lost callers given back, or after `grace`.
  void shut_down(Duration grace, std::function<void()> done);

  const WorkerTable& workers() const { return workers_; }
  const SessionCreator& creator() const { return creator_; }
  const GiveBack& give_back() const { return give_back_; }

 private:
  bool settled() const { return caches_.settled && caches_.settled(); }
  /// The handler behind a check that the caches are filled, of the namespace asked for if there is
  /// one.
  http::Handler when_ready(http::Handler handler);
  void finish_shut_down();
  void heard(const api::WorkerUid& uid, api::Slots slots);
  void unreadable(const api::WorkerUid& uid);
  /// The live page, if there is one, looks at the pool again.
  void show(const std::string& pool_key);

  EventLoop& loop_;
  Metrics& metrics_;
  Log log_;
  AuditLog audit_;
  Caches caches_;
  bool closing_ = false;
  Cancel grace_;
  std::function<void()> closed_;

  PoolCatalog pools_;
  WorkerClient client_;
  CreationMetrics creation_metrics_;
  DemandBoard board_;
  WorkerTable workers_;
  OwnerTally owners_;
  SlotsWatcher slots_;
  GiveBack give_back_;
  SessionCreator creator_;
  CreateRoute create_route_;
  ProxyRoute proxy_route_;
  ListRoute list_route_;
  PoolsRoute pools_route_;
  DemandRoute demand_route_;
  KeysRoute keys_route_;
  std::optional<ui::LiveFeed> live_feed_;
  std::optional<ui::EventsRoute> events_route_;
  Cancel ages_;
};

}  // namespace berth::gateway
