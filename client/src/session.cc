#include "client/src/session.h"

#include <utility>

#include "berth/api/session.h"
#include "berth/base/duration.h"
#include "berth/http/server.h"
#include "client/src/errors.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

constexpr std::uint64_t kMaxErrorBody = 64u << 10;
constexpr Duration kAskWhyDeadline = std::chrono::seconds(2);

bool says_over(const Error& e) {
  return e.reason == "SessionEnded" || e.reason == "SessionNotFound" ||
         e.reason == "TokenMismatch" || e.code == ErrorCode::kUnauthenticated;
}

}  // namespace

Session::Session(Parts parts, SessionFacts facts, std::shared_ptr<CancelScope> scope,
                 std::function<void()> gone)
    : parts_(std::move(parts)),
      facts_(std::move(facts)),
      scope_(std::move(scope)),
      gone_(std::move(gone)),
      backoff_({.initial = std::chrono::milliseconds(100),
                .max = std::chrono::seconds(2),
                .factor = 2.0,
                .jitter = 0.5},
               parts_.random) {}

SessionState Session::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::optional<ClientError> Session::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Session::set_state(SessionState state, std::optional<ClientError> failure) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  failure_ = std::move(failure);
}

void Session::start(TimePoint leased_from, bool renew_now) {
  if (facts_.keep_alive) {
    lease_ = std::make_unique<Lease>(
        parts_.loop, parts_.random, facts_.heartbeat_timeout,
        [this](Duration deadline, Lease::DoneFn done) {
          return send_renewal(deadline, std::move(done));
        },
        [this] { lose_lease(); });
    lease_->start(leased_from);
    if (renew_now) {
      lease_->renew();
    }
  }
  on_cancel_ = scope_->on_cancel([door = parts_.door, weak = weak_from_this()] {
    door->post([weak] {
      if (const auto self = weak.lock()) {
        self->scope_cancelled();
      }
    });
  });
}

// --- calls

http::CallOptions Session::usual_options() const {
  http::CallOptions options;
  options.deadline = parts_.call_timeout;
  return options;
}

Cancel Session::transmit(Ask ask, SentFn fn) {
  const std::size_t gateway = parts_.gateways.preferred();
  std::string origin = "http://" + facts_.address;
  std::string target = "/v1/sessions/" + http::percent_encode(facts_.id) + ask.suffix;
  if (!facts_.direct) {
    origin = parts_.gateways.origin(gateway);
    target = pool_path(facts_.ns, facts_.pool) + "/workers/" + http::percent_encode(facts_.worker) +
             target.substr(3);
  }
  http::Request request = request_of(std::move(ask.method), std::move(target), facts_.token);
  if (!ask.body.empty()) {
    request.headers.add("Content-Type", "application/json");
    request.body = std::move(ask.body);
  }
  request.body_source = std::move(ask.source);
  const TimePoint sent_at = parts_.loop.clock().now();
  return parts_.transport.send(origin, std::move(request), ask.options,
                               [weak = weak_from_this(), fn = std::move(fn), gateway,
                                sent_at](Result<http::Response> result) {
                                 const auto self = weak.lock();
                                 if (!self) {
                                   return;
                                 }
                                 if (!result && !self->facts_.direct) {
                                   self->parts_.gateways.failed(gateway);
                                 }
                                 fn(sent_at, std::move(result));
                               });
}

Cancel Session::send(Ask ask, AnswerFn done) {
  return transmit(std::move(ask),
                  [this, done = std::move(done)](TimePoint sent_at, Result<http::Response> result) {
                    on_answer(sent_at, std::move(result), done);
                  });
}

void Session::on_answer(TimePoint sent_at, Result<http::Response> result, const AnswerFn& done) {
  if (!result || result->status < 400) {
    if (result && lease_) {
      lease_->heard(sent_at);
    }
    done(std::move(result));
    return;
  }
  if (!result->body_source) {
    judge(std::move(result), done);
    return;
  }
  const auto source = std::exchange(result->body_source, nullptr);
  http::read_all(source, kMaxErrorBody,
                 [self = shared_from_this(), response = *std::move(result),
                  done](Result<std::string> body) mutable {
                   response.body = body ? *std::move(body) : std::string();
                   self->judge(std::move(response), done);
                 });
}

void Session::judge(Result<http::Response> result, const AnswerFn& done) {
  Error error = http::error_from_response(*result);
  if (says_over(error)) {
    over(std::move(error));
  } else {
    done(std::move(result));
  }
}

void Session::add(std::shared_ptr<Call> call) {
  const Call* const key = call.get();
  calls_.emplace(key, std::move(call));
}

void Session::remove(const Call& call) {
  const auto self = shared_from_this();
  const auto node = calls_.extract(&call);
  if (ended_) {
    leave_if_idle();
  }
}

bool Session::may_wait(TimePoint since) const {
  return lease_ || parts_.loop.clock().now() < since + facts_.heartbeat_timeout;
}

void Session::look() {
  if (lease_) {
    lease_->renew();
  }
}

Cancel Session::send_renewal(Duration deadline, Lease::DoneFn done) {
  Ask ask{.method = "POST", .suffix = "/heartbeat"};
  ask.options.deadline = std::min(deadline, parts_.call_timeout);
  return send(std::move(ask), [this, done = std::move(done)](Result<http::Response> result) {
    const bool ok = result && result->status < 300;
    if (!ok) {
      parts_.log.debug(
          "renewal not answered",
          {{"session", facts_.id}, {"worker", facts_.worker}, {"error", error_of(result)}});
    } else if (const auto info = parse_answer<api::SessionInfo>(*result);
               info && info->state != api::SessionState::kOpen) {
      fail_with(Error::make(ErrorCode::kGone, "SessionEnded",
                            "session '" + facts_.id + "' was ended by worker " + facts_.worker),
                info->end_reason);
      return;
    }
    done(ok);
  });
}

// --- ends that are not ours

void Session::over(Error error) {
  if (state() == SessionState::kClosed) {
    end_calls(cancelled("the session was completed"));
    return;
  }
  if (state() == SessionState::kFailed || std::exchange(over_, true)) {
    return;
  }
  lease_.reset();
  if (error.reason == "SessionEnded") {
    ask_why(std::move(error));
  } else {
    fail_with(std::move(error), std::nullopt);
  }
}

void Session::ask_why(Error error) {
  Ask ask{.method = "GET"};
  ask.options.deadline = kAskWhyDeadline;
  asking_ = transmit(std::move(ask), [this, error](TimePoint, Result<http::Response> result) {
    std::optional<api::EndReason> reason;
    if (result && result->status < 300) {
      if (const auto info = parse_answer<api::SessionInfo>(*result)) {
        reason = info->end_reason;
      }
    }
    fail_with(error, reason);
  });
}

void Session::lose_lease() {
  const auto self = shared_from_this();
  fail_with(Error::make(ErrorCode::kUnavailable, "LeaseLost",
                        "worker " + facts_.worker + " did not answer for " +
                            format_duration(facts_.heartbeat_timeout)),
            std::nullopt);
  // It may live and only have lost its way to us: then its slot is free the sooner.
  if (facts_.owned && gone_) {
    Ask bye{.method = "DELETE", .options = usual_options()};
    asking_ = transmit(std::move(bye), [this](TimePoint, const auto&) { leave_if_idle(); });
  } else {
    leave_if_idle();
  }
}

void Session::fail_with(Error error, std::optional<api::EndReason> reason) {
  const auto self = shared_from_this();
  if (state() != SessionState::kOpen) {
    return;
  }
  ClientError why = client_error(ErrorKind::kSessionFailed, std::move(error));
  why.ended = reason;
  set_state(SessionState::kFailed, why);
  lease_.reset();
  on_cancel_.cancel();
  parts_.log.warn("session lost", {{"session", facts_.id},
                                   {"worker", facts_.worker},
                                   {"reason", reason ? to_string(*reason) : "unknown"},
                                   {"error", why.error}});
  why.kind = ErrorKind::kCancelled;
  end_calls(why);
  scope_->cancel();
  if (why.error.reason != "LeaseLost") {
    leave_if_idle();
  }
}

void Session::end_calls(const ClientError& why) {
  const auto self = shared_from_this();
  for (const auto& [key, call] : std::exchange(calls_, {})) {
    call->session_over(why);
  }
  if (ended_) {
    leave_if_idle();
  }
}

void Session::leave_if_idle() {
  if (calls_.empty()) {
    if (const auto gone = std::exchange(gone_, nullptr)) {
      gone();
    }
  }
}

// --- ends that are ours

void Session::scope_cancelled() {
  if (facts_.owned && state() == SessionState::kOpen) {
    parts_.log.info("context cancelled; completing its session", {{"session", facts_.id}});
    complete(Duration(0), nullptr);
  }
}

void Session::dropped() {
  if (state() != SessionState::kOpen) {
    return;
  }
  if (facts_.owned) {
    parts_.log.info("the last context of an open session has gone; completing it",
                    {{"session", facts_.id}});
    complete(Duration(0), nullptr);
  } else {
    abandon();
  }
}

void Session::complete(Duration keep_for, DoneFn done) {
  const auto self = shared_from_this();
  if (!done) {
    done = [](const auto&) {};
  }
  if (state() == SessionState::kFailed || ended_) {
    done(ended_.value_or(std::monostate()));
    return;
  }
  waiting_.push_back(std::move(done));
  if (state() == SessionState::kClosed) {
    return;
  }
  set_state(SessionState::kClosed);
  lease_.reset();
  asking_.cancel();
  on_cancel_.cancel();
  if (over_) {
    end_calls(cancelled("the session was completed"));
    ended(std::monostate());
    return;
  }
  keep_for_ = keep_for;
  give_up_at_ = parts_.loop.clock().now() + facts_.heartbeat_timeout;
  send_end();
}

void Session::send_end() {
  Ask ask{.method = "DELETE", .options = usual_options()};
  if (keep_for_ > Duration(0)) {
    ask.suffix = "?keepFor=" + http::percent_encode(format_duration(keep_for_));
  }
  ending_ = transmit(std::move(ask), [this](TimePoint, const Result<http::Response>& result) {
    end_answered(result);
  });
}

void Session::end_answered(const Result<http::Response>& result) {
  const Error error = !result || result->status >= 400 ? error_of(result) : Error();
  if ((result && result->status < 400) || says_over(error) || error.reason == "WorkerGone") {
    if (result->status >= 400) {
      end_calls(cancelled("the session was completed"));
    }
    ended(std::monostate());
    return;
  }
  if (result && result->status == 400 && keep_for_ > Duration(0)) {
    // Ended all the same: nobody renews it any more.
    keep_for_ = Duration(0);
    for (const auto& done : std::exchange(waiting_, {})) {
      done(fail(client_error(error)));
    }
    send_end();
    return;
  }
  const Duration pause = backoff_.next();
  if (parts_.loop.clock().now() + pause < give_up_at_) {
    ending_ = parts_.loop.call_after(pause, [this] { send_end(); });
    return;
  }
  parts_.log.warn("worker could not be told that a session is complete; its lease will free it",
                  {{"session", facts_.id}, {"worker", facts_.worker}, {"error", error}});
  end_calls(cancelled("the session was completed"));
  ended(fail(client_error(error)));
}

void Session::ended(const Outcome<std::monostate>& outcome) {
  const auto self = shared_from_this();
  ended_ = outcome;
  for (const auto& done : std::exchange(waiting_, {})) {
    done(outcome);
  }
  scope_->forget();
  leave_if_idle();
}

void Session::abandon() {
  const auto self = shared_from_this();
  lease_.reset();
  on_cancel_.cancel();
  asking_.cancel();
  ending_.cancel();
  if (state() == SessionState::kOpen) {
    set_state(SessionState::kClosed);
  }
  const ClientError why = cancelled("the client was closed");
  end_calls(why);
  if (!ended_) {
    ended(fail(why));
  }
}

}  // namespace berth::client
