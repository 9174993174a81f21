#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/server.h"
#include "berth/observe/metrics.h"
#include "worker/api/request.h"
#include "worker/api/slots_hub.h"
#include "worker/service/worker_service.h"

namespace berth::worker {

/// The worker's HTTP API (docs/openapi.yaml), as routes on two routers: the main port, where every
/// call shows a control token or a session's token, and the probe port, where none is needed. Loop
/// thread only; outlives the servers.
class WorkerApi {
 public:
  struct Parts {
    EventLoop& loop;
    WorkerService& service;
    ControlGuard guard;
    Metrics& metrics;
    /// Nothing, or why this worker cannot serve yet (journal, keys).
    std::function<Status()> ready;
    /// Ids of the control keys that are accepted; no function: control calls are not checked.
    std::function<std::set<std::string>()> keys = {};
    /// Longest `keepFor` that a client may ask for.
    Duration max_keep_for = std::chrono::hours(1);
  };
  explicit WorkerApi(Parts parts);

  void add_routes(http::Router& router);
  void add_probe_routes(http::Router& router);

  static constexpr Duration kLongestWait = std::chrono::seconds(30);
  /// How long /drained waits for the SIGTERM that a pod's deletion sends to all its containers.
  static constexpr Duration kDrainedPatience = std::chrono::seconds(5);

 private:
  struct Poll;

  void add_control_routes(http::Router& router);
  void add_session_routes(http::Router& router);
  void add_activity_routes(http::Router& router);

  // Control.
  void create(const ExchangePtr& exchange);
  void list(const ExchangePtr& exchange);
  void slots(const ExchangePtr& exchange);
  void give_back(const ExchangePtr& exchange, const std::string& attempt);
  void cordon(const ExchangePtr& exchange, bool on);
  void drain(const ExchangePtr& exchange);
  void retire(const ExchangePtr& exchange);
  void reply_switch(const ExchangePtr& exchange, const Status& done);

  // Sessions and activities.
  void complete(const SessionCall& call);
  void reply_info(const SessionCall& call, int status_when_ending);
  void start_activity(const SessionCall& call);
  void get_activity(const SessionCall& call);
  void cancel_activity(const SessionCall& call);
  void get_output(const SessionCall& call);
  void answer_activity(const std::shared_ptr<Poll>& poll);

  // Probes.
  void drained(const ExchangePtr& exchange);
  void on_shutdown_step();

  Parts parts_;
  SlotsHub slots_hub_;
  std::list<std::shared_ptr<Poll>> polls_;  ///< On activities, oldest first.
  struct DrainedWaiter {
    ExchangePtr exchange;
    Cancel timer;
  };
  std::map<std::uint64_t, DrainedWaiter> drained_waiters_;
  std::uint64_t last_drained_ = 0;
};

}  // namespace berth::worker
