// How a session ends, by us or by others.
#include <utility>

#include "berth/api/session.h"
#include "berth/base/duration.h"
#include "client/src/errors.h"
#include "client/src/session.h"

namespace berth::client {
namespace {

constexpr Duration kAskWhyDeadline = std::chrono::seconds(2);

}  // namespace

bool says_session_over(const Error& error) {
  return error.reason == "SessionEnded" || error.reason == "SessionNotFound" ||
         error.reason == "TokenMismatch" || error.code == ErrorCode::kUnauthenticated;
}

// --- ends that are not ours

void Session::over(Error error, std::optional<api::EndReason> reason) {
  if (state() == SessionState::kClosed) {
    end_calls(cancelled("the session was completed"));
    return;
  }
  if (state() == SessionState::kFailed || std::exchange(over_, true)) {
    return;
  }
  lease_.reset();
  if (error.reason == "SessionEnded" && !reason) {
    ask_why(error);
  } else {
    fail_with(std::move(error), reason);
  }
}

void Session::ask_why(const Error& error) {
  Ask ask{.method = "GET"};
  ask.options.deadline = kAskWhyDeadline;
  asking_ =
      transmit(std::move(ask), [this, error](TimePoint, const Result<http::Response>& result) {
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
                        "worker " + facts_.worker + ": no renewal was answered for " +
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
  if ((result && result->status < 400) || says_session_over(error) ||
      error.reason == "WorkerGone") {
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
  finding_.cancel();
  held_.clear();
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
