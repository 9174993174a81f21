#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/client/client.h"
#include "berth/http/transport.h"
#include "client/src/cancel_scope.h"
#include "client/src/door.h"
#include "client/src/gateways.h"
#include "client/src/lease.h"

namespace berth::client {

/// What never changes about a session.
struct SessionFacts {
  std::string ns;
  std::string pool;
  std::string worker;
  std::string address;  ///< Of the worker, "host:port" or "https://host:port".
  std::string id;
  std::string token;
  std::string recreate_token;
  Duration heartbeat_timeout{};
  /// Straight to the worker, or through the gateway; empty: straight if it answers there.
  std::optional<bool> direct{};
  bool owned = true;       ///< Opened here: ours to complete.
  bool keep_alive = true;  ///< The lease is renewed here.
};

/// Whether a worker's refusal means that the session, or our right to it, is gone for good.
bool says_session_over(const Error& error);

/// One session as this process sees it: Open, then Failed or Closed. All calls to its worker go
/// through here, so each answer counts as a renewal and each word that the session is over is
/// heard, whoever asked.
///
/// Loop thread only but for facts(), state(), failure() and scope(). Made by make_shared.
class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Parts {
    EventLoop& loop;
    http::Transport& transport;
    Random& random;
    Gateways& gateways;
    std::shared_ptr<Door> door;
    Log log;
    Duration call_timeout{};
  };

  /// Something that runs in the session: an activity, a file on its way.
  class Call {
   public:
    virtual ~Call() = default;
    /// The session is over, nothing more will be answered: end now, with this error.
    virtual void session_over(const ClientError& why) = 0;
  };

  /// One request to the worker.
  struct Ask {
    std::string method;
    std::string suffix{};  ///< After ".../sessions/{id}": "/heartbeat".
    std::string body{};    ///< JSON.
    std::shared_ptr<http::BodySource> source{};
    http::CallOptions options{};
  };
  using AnswerFn = std::function<void(Result<http::Response>)>;

  /// `gone` runs once when nothing is left to do for this session.
  Session(Parts parts, SessionFacts facts, std::shared_ptr<CancelScope> scope,
          std::function<void()> gone);

  // Any thread.
  const SessionFacts& facts() const { return facts_; }
  SessionState state() const;
  /// Why it failed.
  std::optional<ClientError> failure() const;
  /// Cancelled when the session fails. What is cancelled in it or above completes the session.
  const std::shared_ptr<CancelScope>& scope() const { return scope_; }

  /// `leased_from`: the lease counts from here. `renew_now`: without waiting for a third of it.
  void start(TimePoint leased_from, bool renew_now);

  /// Sends. `done` runs once; not at all when the answer says that the session is over (the calls
  /// added below are then ended), nor after the handle is destroyed.
  Cancel send(Ask ask, AnswerFn done);
  /// With `call_timeout` and nothing else.
  http::CallOptions usual_options() const;

  void add(std::shared_ptr<Call> call);
  /// The call may be destroyed in here.
  void remove(const Call& call);
  std::size_t calls() const { return calls_.size(); }

  /// Something hints at the session's end: ask now instead of at the next renewal.
  void look();
  /// Whether a call whose last answer came at `since` may still hope for another. With a lease of
  /// our own always: its loss ends the call.
  bool may_wait(TimePoint since) const;

  using DoneFn = std::function<void(Outcome<std::monostate>)>;
  void complete(Duration keep_for, DoneFn done);
  /// The last context has gone.
  void dropped();
  /// The client goes: everything ends here and now, with nothing more sent.
  void abandon();

 private:
  enum class Route { kUnknown, kDirect, kGateway };
  using SentFn = std::function<void(TimePoint sent_at, Result<http::Response>)>;
  Cancel transmit(Ask ask, SentFn fn);
  void find_route();
  void route_found(Route route);
  Cancel hold(Ask ask, SentFn fn);
  void on_answer(TimePoint sent_at, Result<http::Response> result, const AnswerFn& done);
  void judge(Result<http::Response> result, const AnswerFn& done);
  Cancel send_renewal(Duration deadline, Lease::DoneFn done);
  void over(Error error, std::optional<api::EndReason> reason);
  void ask_why(const Error& error);
  void lose_lease();
  void fail_with(Error error, std::optional<api::EndReason> reason);
  void end_calls(const ClientError& why);
  void scope_cancelled();
  void send_end();
  void end_answered(const Result<http::Response>& result);
  void ended(const Outcome<std::monostate>& outcome);
  void leave_if_idle();
  void set_state(SessionState state, std::optional<ClientError> failure = std::nullopt);

  const Parts parts_;
  const SessionFacts facts_;
  const std::shared_ptr<CancelScope> scope_;
  std::function<void()> gone_;

  mutable std::mutex mutex_;  ///< For what other threads ask: the two below.
  SessionState state_ = SessionState::kOpen;
  std::optional<ClientError> failure_;

  Route route_ = Route::kUnknown;
  std::vector<std::function<void()>> held_;  ///< Calls that wait for the route.
  Cancel finding_;
  std::unique_ptr<Lease> lease_;
  Cancel on_cancel_;
  Cancel asking_;      ///< Why it ended; or, after a failure, the last word to the worker.
  bool over_ = false;  ///< The worker said so.
  std::map<const Call*, std::shared_ptr<Call>> calls_;

  // Completing.
  Duration keep_for_{};
  std::vector<DoneFn> waiting_;
  std::optional<Outcome<std::monostate>> ended_;
  TimePoint give_up_at_{};
  Backoff backoff_;
  Cancel ending_;
};

}  // namespace berth::client
