#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/api/session.h"
#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/client/client.h"
#include "berth/http/transport.h"
#include "client/src/create_verdict.h"
#include "client/src/gateways.h"

namespace berth::client {

/// Opens one session: waits in line, call after call, at one gateway or the next, until it has one
/// or the creation timeout is over. Every call carries the same id and token hash, so however many
/// arrive, one usable session results. Loop thread only; made by make_shared.
///
/// A call that is dropped (timeout, cancel) closes its connection, by which the gateway knows that
/// nobody waits and gives back what it may have opened.
class CreateCall : public std::enable_shared_from_this<CreateCall> {
 public:
  struct Parts {
    EventLoop& loop;
    http::Transport& transport;
    Random& random;
    Gateways& gateways;
    Log log;
  };
  struct Ask {
    std::string ns;
    std::string pool;
    std::function<std::string()> gateway_token;
    SessionOptions options;
    std::optional<std::string> recreate_token;
    Duration call_timeout{};
  };
  struct Opened {
    api::SessionCreated created;
    std::string token;
    TimePoint sent_at;  ///< When the call was sent that brought it.
  };
  using DoneFn = std::function<void(Outcome<Opened>)>;

  /// How long a gateway holds a call before it answers StillWaiting.
  static constexpr Duration kWindow = std::chrono::seconds(25);

  CreateCall(Parts parts, Ask ask, DoneFn done);

  void start();
  /// Answers kCancelled.
  void cancel();

 private:
  void name_it(std::string id);
  void send();
  void answered(TimePoint sent_at, Result<http::Response> result);
  void opened(TimePoint sent_at, const http::Response& response);
  void try_next_gateway();
  void pause(Duration at_least);
  void time_is_up();
  void finish(Outcome<Opened> outcome);

  Parts parts_;
  Ask ask_;
  DoneFn done_;
  std::string id_;
  std::string token_;
  bool id_is_ours_ = false;
  bool heard_ = false;  ///< Some gateway answered, be it with a refusal.
  TimePoint deadline_{};
  std::size_t gateway_ = 0;
  std::size_t failures_ = 0;  ///< In a row.
  ClientError last_;
  Backoff backoff_;
  Cancel call_;
  Cancel pause_;
  Cancel deadline_timer_;
};

}  // namespace berth::client
