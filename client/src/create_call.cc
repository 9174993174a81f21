#include "client/src/create_call.h"

#include <algorithm>
#include <utility>

#include "berth/auth/session_token.h"
#include "berth/base/duration.h"
#include "client/src/errors.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// About three seconds; a gateway that is replaced takes no longer.
constexpr std::size_t kTellAfterRounds = 6;

}  // namespace

CreateCall::CreateCall(Parts parts, Ask ask, DoneFn done)
    : parts_(std::move(parts)),
      ask_(std::move(ask)),
      done_(std::move(done)),
      backoff_({.initial = milliseconds(100), .max = seconds(2), .factor = 2.0, .jitter = 0.5},
               parts_.random) {}

void CreateCall::start() {
  id_is_ours_ = ask_.options.id.empty();
  name_it(id_is_ours_ ? parts_.random.name(kIdLength) : ask_.options.id);
  deadline_ = parts_.loop.clock().now() + ask_.options.creation_timeout;
  deadline_timer_ = parts_.loop.call_at(deadline_, [this] { time_is_up(); });
  gateway_ = parts_.gateways.preferred();
  send();
}

void CreateCall::name_it(std::string id) {
  id_ = std::move(id);
  token_ = auth::make_session_token(parts_.random);
}

void CreateCall::send() {
  const TimePoint now = parts_.loop.clock().now();
  api::CreateSession body;
  body.id = api::SessionId(id_);
  body.token_hash = auth::sha256_hex(token_);
  body.creation_timeout = deadline_ - now;
  body.execution_timeout = ask_.options.execution_timeout;
  body.heartbeat_timeout = ask_.options.heartbeat_timeout;
  body.resources = ask_.options.resources;
  body.recreate_token = ask_.recreate_token;
  http::CallOptions options;
  options.deadline = kWindow + ask_.call_timeout;
  call_ =
      parts_.transport.send(parts_.gateways.origin(gateway_),
                            json_request("POST", pool_path(ask_.ns, ask_.pool) + "/sessions",
                                         to_json(body), ask_.gateway_token()),
                            options, [weak = weak_from_this(), now](Result<http::Response> result) {
                              if (const auto self = weak.lock()) {
                                self->answered(now, std::move(result));
                              }
                            });
}

void CreateCall::answered(TimePoint sent_at, Result<http::Response> result) {
  heard_ = heard_ || result.has_value();
  CreateVerdict verdict = judge_create(result, {ask_.recreate_token.has_value(), id_is_ours_});
  using Next = CreateVerdict::Next;
  const auto retry_after = verdict.error.error.retry_after.value_or(milliseconds(0));
  last_ = std::move(verdict.error);
  if (verdict.next != Next::kNextGateway) {
    failures_ = 0;
  }
  switch (verdict.next) {
    case Next::kOpened:
      opened(sent_at, *result);
      return;
    case Next::kSameGateway:
      if (parts_.loop.clock().now() - sent_at < seconds(1)) {
        pause(retry_after);  // A gateway that lets nobody wait must not be hammered.
      } else {
        backoff_.reset();
        send();
      }
      return;
    case Next::kNextGateway:
      try_next_gateway();
      return;
    case Next::kLater:
      pause(retry_after);
      return;
    case Next::kNewId:
      parts_.log.warn("the session ended before its creation was answered; opening another",
                      {{"session", id_}});
      name_it(parts_.random.name(kIdLength));
      pause(milliseconds(0));
      return;
    case Next::kGiveUp:
      finish(fail(last_));
      return;
  }
}

void CreateCall::opened(TimePoint sent_at, const http::Response& response) {
  auto created = parse_answer<api::SessionCreated>(response);
  if (!created) {
    finish(fail(client_error(ErrorKind::kInternal,
                             std::move(created).error().wrap("reading the gateway's answer"))));
    return;
  }
  finish(Opened{*std::move(created), token_, sent_at});
}

void CreateCall::try_next_gateway() {
  parts_.log.debug("gateway did not serve a creation",
                   {{"gateway", parts_.gateways.origin(gateway_)}, {"error", last_.error}});
  parts_.gateways.failed(gateway_);
  gateway_ = (gateway_ + 1) % parts_.gateways.size();
  // Round the others at once; then wait a little.
  if (++failures_ == kTellAfterRounds * parts_.gateways.size()) {
    parts_.log.warn("no gateway serves a creation; trying on",
                    {{"gateway", parts_.gateways.origin(gateway_)}, {"error", last_.error}});
  }
  if (failures_ % parts_.gateways.size() != 0) {
    send();
  } else {
    pause(milliseconds(0));
  }
}

void CreateCall::pause(Duration at_least) {
  pause_ = parts_.loop.call_after(std::max(at_least, backoff_.next()), [this] { send(); });
}

void CreateCall::time_is_up() {
  const std::string time = format_duration(ask_.options.creation_timeout);
  if (!heard_ && !last_.error.message.empty()) {
    last_.kind = ErrorKind::kUnavailable;
    last_.error = std::move(last_.error).wrap("no gateway answered within " + time);
    finish(fail(std::move(last_)));
    return;
  }
  std::string message = "pool " + ask_.ns + "/" + ask_.pool + " had no free slot within " + time;
  if (!last_.error.message.empty() && last_.error.reason != "StillWaiting") {
    message += "; last answer: " + last_.error.text();
  }
  finish(fail(client_error(
      ErrorKind::kCreationTimeout,
      Error::make(ErrorCode::kDeadlineExceeded, "CreationTimeout", std::move(message)))));
}

void CreateCall::cancel() {
  finish(fail(cancelled("the creation of the session was cancelled")));
}

void CreateCall::finish(Outcome<Opened> outcome) {
  const auto self = shared_from_this();
  const auto done = std::exchange(done_, nullptr);
  if (!done) {
    return;
  }
  deadline_timer_.cancel();
  pause_.cancel();
  call_.cancel();
  done(std::move(outcome));
}

}  // namespace berth::client
