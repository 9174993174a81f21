#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "berth/api/activity.h"
#include "berth/base/event_loop.h"
#include "berth/http/server.h"

namespace berth::client {

/// A gateway with one worker behind it, on a loopback socket and a thread of its own, that keeps
/// just enough state to answer a client. Activities: "echo" gives its input back, "fail" fails,
/// "hang" runs until it is cancelled.
class LoopbackServer {
 public:
  LoopbackServer();
  ~LoopbackServer();

  std::string origin() const { return "http://" + address_; }

  struct State {
    std::map<std::string, std::string> sessions;  ///< Token hash by id.
    std::set<std::string> ended;
    std::map<std::string, std::string> files;
    std::size_t heartbeats = 0;
    std::size_t activities_started = 0;
    std::size_t creates = 0;
    bool hold_creates = false;  ///< Let callers wait.
    bool end_all = false;       ///< Answer everything with SessionEnded.
  };
  /// Runs `fn` on the server's thread and waits for it.
  void with(const std::function<void(State&)>& fn);
  State state();
  /// Waits until `fn` holds; it is looked at after each request.
  void wait_for(std::function<bool(const State&)> fn);

 private:
  using ExchangePtr = std::shared_ptr<http::Exchange>;
  void add_routes();
  void create(const ExchangePtr& exchange);
  void start_activity(const ExchangePtr& exchange);
  void poll_activity(const ExchangePtr& exchange);
  void cancel_activity(const ExchangePtr& exchange);
  /// Nothing when the caller may go on.
  bool refused(const ExchangePtr& exchange);
  void route(const std::string& method, const std::string& suffix,
             void (LoopbackServer::*fn)(const ExchangePtr&));
  void heartbeat(const ExchangePtr& exchange);
  void end(const ExchangePtr& exchange);
  void put_file(const ExchangePtr& exchange);
  void get_file(const ExchangePtr& exchange);
  void list(const ExchangePtr& exchange);
  void look();

  AsioLoop loop_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  std::string address_;
  State state_;
  std::map<std::string, api::ActivityInfo> activities_;
  std::map<std::string, ExchangePtr> polls_;
  std::vector<ExchangePtr> held_;
  std::vector<std::pair<std::function<bool(const State&)>, std::function<void()>>> waiters_;
  std::thread thread_;
};

}  // namespace berth::client
