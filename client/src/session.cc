#include "client/src/session.h"

#include <utility>

#include "berth/api/session.h"
#include "berth/api/worker_address.h"
#include "berth/base/duration.h"
#include "berth/http/server.h"
#include "client/src/errors.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

constexpr std::uint64_t kMaxErrorBody = 64u << 10;
/// How long a worker may take to answer at its own address; the Python client's too.
constexpr Duration kReachable = std::chrono::seconds(1);

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
  find_route();
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

void Session::find_route() {
  if (facts_.direct) {
    route_ = *facts_.direct ? Route::kDirect : Route::kGateway;
    return;
  }
  http::CallOptions options;
  options.deadline = kReachable;
  const std::string origin = api::worker_origin(facts_.address);
  options.server_name = api::worker_server_name_at(origin, facts_.ns);
  finding_ = parts_.transport.send(
      origin, request_of("GET", "/v1/sessions/" + http::percent_encode(facts_.id), facts_.token),
      options, [weak = weak_from_this()](const Result<http::Response>& result) {
        if (const auto self = weak.lock()) {
          self->route_found(result ? Route::kDirect : Route::kGateway);
        }
      });
}

void Session::route_found(Route route) {
  route_ = route;
  if (route == Route::kGateway) {
    parts_.log.debug(
        "the worker does not answer at its address; going through the gateway",
        {{"session", facts_.id}, {"worker", facts_.worker}, {"address", facts_.address}});
  }
  for (const auto& send : std::exchange(held_, {})) {
    send();
  }
}

Cancel Session::hold(Ask ask, SentFn fn) {
  struct Held {
    bool dropped = false;
    Cancel call;
  };
  auto held = std::make_shared<Held>();
  held_.emplace_back([this, held, ask = std::move(ask), fn = std::move(fn)] {
    if (!held->dropped) {
      held->call = transmit(ask, fn);
    }
  });
  return Cancel([held] {
    held->dropped = true;
    held->call.cancel();
  });
}

Cancel Session::transmit(Ask ask, SentFn fn) {
  if (route_ == Route::kUnknown) {
    return hold(std::move(ask), std::move(fn));
  }
  const std::size_t gateway = parts_.gateways.preferred();
  std::string origin = api::worker_origin(facts_.address);
  std::string target = "/v1/sessions/" + http::percent_encode(facts_.id) + ask.suffix;
  if (route_ == Route::kGateway) {
    origin = parts_.gateways.origin(gateway);
    target = pool_path(facts_.ns, facts_.pool) + "/workers/" + http::percent_encode(facts_.worker) +
             target.substr(3);
  }
  ask.options.server_name =
      route_ == Route::kDirect ? api::worker_server_name_at(origin, facts_.ns) : "";
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
                                 if (!result && self->route_ == Route::kGateway) {
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
  if (!says_session_over(error)) {
    done(std::move(result));
    return;
  }
  std::optional<api::EndReason> reason;
  if (const auto body = parse_json(result->body)) {
    reason = api::parse_end_reason(get_string(*body, "endReason").value_or(""));
  }
  over(std::move(error), reason);
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

}  // namespace berth::client
