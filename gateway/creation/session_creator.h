#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "berth/api/session.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/observe/log.h"
#include "gateway/creation/creation_metrics.h"
#include "gateway/creation/give_back.h"
#include "gateway/creation/owner_limit.h"
#include "gateway/creation/recent_placements.h"
#include "gateway/placement/waiting_line.h"
#include "gateway/placement/worker_table.h"
#include "gateway/workers/pool_catalog.h"

namespace berth::gateway {

/// Takes session requests from "somebody asks" to "a worker has it", or tells why not. The heart of
/// the gateway.
///
/// A request is known by its pool and id and is in one of three states:
///
///     waiting   in line, its caller is there
///     absent    in line, its caller gone or told StillWaiting; its place is kept for a while
///     placing   a create is on its way to a worker
///
/// A second call with the id of an open request takes it over (the first gets 409 "Superseded"), so
/// a caller whose connection broke keeps its place, and a create that is on its way reaches the new
/// call. Sessions whose caller has gone are given back. An answer that may have got lost is asked
/// for again at the same worker; what stays unclear is given back and placed elsewhere. Loop thread
/// only.
class SessionCreator {
 public:
  struct Settings {
    Duration window = std::chrono::seconds(25);  ///< How long one call waits before StillWaiting.
    Duration keep_place = std::chrono::seconds(5);
    Duration worker_deadline = std::chrono::seconds(3);  ///< For a worker to answer a create.
    int repeats = 2;  ///< At the same worker, when its answer got lost.
    Duration repeat_pause = std::chrono::milliseconds(100);
    WaitingLine::Limits line;
    std::size_t max_recent = 20'000;
    Duration recent_age = std::chrono::seconds(60);
  };
  struct Parts {
    EventLoop& loop;
    const PoolCatalog& pools;
    WorkerTable& workers;
    OwnerTally& owners;
    WorkerClient& client;
    GiveBack& give_back;
    Random& random;
    CreationMetrics& metrics;
    Log log;
    /// Runs after each change of who waits in a pool, with how many do.
    std::function<void(const std::string& pool_key, std::size_t waiting)> on_demand;
  };
  using CallId = std::uint64_t;
  /// The answer. `opened` is set if it brings a session: call give_back() with it if the answer
  /// does not reach the caller.
  using Reply = std::function<void(http::Response, const Opened* opened)>;

  SessionCreator(Parts parts, Settings settings);
  ~SessionCreator();

  /// Answers exactly once through `reply`, possibly before it returns, unless caller_gone() is
  /// called first. `request.owner` is the caller's identity as the gateway knows it.
  CallId create(const std::string& pool_key, api::CreateSession request, Reply reply);
  /// The caller will not get its answer. Harmless after the answer.
  void caller_gone(CallId call);

  /// Workers of the pool may have room. Looks (posted) whether somebody waits.
  void capacity_changed(const std::string& pool_key);
  void pool_removed(const std::string& pool_key);
  /// For a session whose answer did not reach its caller: see `Reply`.
  void give_back(const Opened& opened);

  /// Null when nobody ever waited there.
  const WaitingLine* line(const std::string& pool_key) const;
  /// Sets the ages in the metrics to what they are now.
  void show_ages() const;
  std::size_t open_requests() const { return tickets_.size(); }

  /// Refuses all that is new or waiting with 503 "ShuttingDown"; `done` runs (posted) when nothing
  /// is on its way.
  void shut_down(std::function<void()> done);

 private:
  struct Ticket;
  struct PoolLine;
  enum class Mode { kAnyWorker, kRepeat, kRecreate };

  // session_creator.cc: callers, places and time.
  Result<PoolCatalog::Ptr> admit(const std::string& pool_key, const api::CreateSession& request);
  void take_over(Ticket& ticket, api::CreateSession request, CallId call, Reply reply);
  void set_caller(Ticket& ticket, CallId call, Reply reply, const PoolInfo& pool);
  void start(Ticket& ticket);
  void arm(Ticket& ticket);
  void time_is_up(Ticket& ticket);
  void let_wait(Ticket& ticket);
  PoolLine& pool_line(const std::string& pool_key);
  void pump(const std::string& pool_key);
  void answer(Ticket& ticket, http::Response response, const Opened* opened = nullptr);
  void end(Ticket& ticket, CreationOutcome outcome);
  /// For a request without a caller: timed out, or given up before.
  CreationOutcome outcome_without_caller(const Ticket& ticket) const;
  void end_with(Ticket& ticket, http::Response response, CreationOutcome outcome);
  void end_with_error(Ticket& ticket, const Error& error, CreationOutcome outcome);

  // placing.cc: one create on its way.
  bool place_anywhere(Ticket& ticket);
  void start_recreate(Ticket& ticket);
  bool start_repeat(Ticket& ticket);
  void place(Ticket& ticket, const WorkerPod& pod, Mode mode);
  void send(Ticket& ticket);
  void answered(Ticket& ticket, Result<http::Response> result);
  void opened(Ticket& ticket, http::Response response);
  void refused(Ticket& ticket, const Result<http::Response>& result);
  void unclear(Ticket& ticket, const Result<http::Response>& result);
  void told(Ticket& ticket, const Result<http::Response>& result);
  void go_on(Ticket& ticket, const Error& error);
  Opened opened_of(const Ticket& ticket) const;
  void return_session(const Ticket& ticket);

  Parts parts_;
  Settings settings_;
  bool closing_ = false;
  std::function<void()> closed_;
  std::uint64_t last_number_ = 0;
  CallId last_call_ = 0;
  OwnerLimit owner_limit_;
  RecentPlacements recent_;
  std::unordered_map<std::string, std::unique_ptr<Ticket>> tickets_;  // by pool key, '/', id
  std::unordered_map<CallId, Ticket*> calls_;
  std::map<std::string, PoolLine> lines_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted pumps look at it
};

}  // namespace berth::gateway
