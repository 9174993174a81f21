#include "client/src/get_call.h"

#include <utility>

#include "client/src/errors.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

constexpr std::size_t kRounds = 2;
constexpr Duration kPause = std::chrono::milliseconds(200);

ErrorKind kind_for(const Error& error) {
  return error.code == ErrorCode::kNotFound ? ErrorKind::kPoolNotFound : kind_of(error);
}

}  // namespace

GetCall::GetCall(Parts parts, std::string path, DoneFn done)
    : parts_(std::move(parts)),
      path_(std::move(path)),
      done_(std::move(done)),
      gateway_(parts_.gateways.preferred()) {}

void GetCall::send() {
  ++tries_;
  http::CallOptions options;
  options.deadline = parts_.call_timeout;
  options.max_body = kMaxAnswer;
  call_ = parts_.transport.send(parts_.gateways.origin(gateway_),
                                request_of("GET", path_, parts_.token()), options,
                                [weak = weak_from_this()](const Result<http::Response>& result) {
                                  if (const auto self = weak.lock()) {
                                    self->answered(result);
                                  }
                                });
}

void GetCall::answered(const Result<http::Response>& result) {
  if (unanswered(result) && tries_ < kRounds * parts_.gateways.size()) {
    parts_.gateways.failed(gateway_);
    ++gateway_;
    call_ = parts_.loop.call_after(kPause, [this] { send(); });
    return;
  }
  if (!result || result->status >= 300) {
    Error error = error_of(result);
    const ErrorKind kind = kind_for(error);
    finish(fail(client_error(kind, std::move(error))));
    return;
  }
  auto body = parse_json(result->body);
  if (!body) {
    finish(fail(client_error(ErrorKind::kInternal,
                             std::move(body).error().wrap("reading the gateway's answer"))));
    return;
  }
  finish(*std::move(body));
}

void GetCall::cancel() {
  finish(fail(cancelled("the call was cancelled")));
}

void GetCall::finish(Outcome<Json> outcome) {
  const auto self = shared_from_this();
  if (const auto done = std::exchange(done_, nullptr)) {
    call_.cancel();
    done(std::move(outcome));
  }
}

}  // namespace berth::client
