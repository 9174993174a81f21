#pragma once

#include <functional>
#include <memory>

#include "berth/base/event_loop.h"
#include "berth/http/server.h"
#include "berth/observe/log.h"

namespace berth::gateway {

class Gateway;

/// What SIGTERM means, in order:
///
///   1. /readyz answers 503; everything is served as before for `drain`, the time that endpoints,
///      proxies and load balancers take to leave this replica out.
///   2. No connection is accepted any more. Calls that wait for a slot are told to ask elsewhere
///      with the same id, creates on their way are answered, sessions whose caller has gone are
///      given back, and streams that pass through go on, each for at most `grace`.
///   3. `done`.
///
/// Loop thread only; all must outlive it.
class StopSequence {
 public:
  struct Settings {
    Duration drain = std::chrono::seconds(5);
    Duration grace = std::chrono::seconds(10);
  };
  StopSequence(EventLoop& loop, Gateway& gateway, http::Server& server, Settings settings, Log log);

  /// Once.
  void start(std::function<void()> done);

 private:
  void close();
  void part_done();

  EventLoop& loop_;
  Gateway& gateway_;
  http::Server& server_;
  Settings settings_;
  Log log_;
  int parts_left_ = 2;
  std::function<void()> done_;
  Cancel timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::gateway
