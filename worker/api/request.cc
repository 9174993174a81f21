#include "worker/api/request.h"

#include <charconv>

#include "berth/auth/session_token.h"
#include "berth/base/duration.h"

namespace berth::worker {
namespace {

template <class T>
Result<T> number_query(const http::Request& request, std::string_view name, T largest) {
  const auto text = request.query(name);
  if (!text || text->empty()) {
    return T{};
  }
  T value{};
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (ec != std::errc() || end != text->data() + text->size() ||
      !(value >= 0 && value <= largest)) {
    return fail(
        Error::invalid(std::string(name), "must be a number from 0 to " + Json(largest).dump()));
  }
  return value;
}

}  // namespace

std::string_view bearer(const http::Exchange& exchange) {
  return auth::bearer_token(exchange.request().headers.get("Authorization"));
}

Status ControlGuard::check(const http::Exchange& exchange,
                           const std::set<auth::Scope>& allowed) const {
  if (keys_ == nullptr) {
    return {};
  }
  const std::string_view token = bearer(exchange);
  if (token.empty()) {
    return fail(Error::make(ErrorCode::kUnauthenticated, "",
                            "this is for gateways and operators: a control token is needed"));
  }
  const auto claims = keys_->verify(token, allowed);
  return claims ? Status{} : fail(claims.error());
}

std::optional<SessionCall> SessionCall::open(WorkerService& service, const ExchangePtr& exchange) {
  const std::string& id = exchange->param("id");
  if (const auto good = api::check_id(id, "id"); !good) {
    exchange->reply(good.error());
    return std::nullopt;
  }
  api::SessionId session(id);
  if (const auto allowed = service.check_token(session, bearer(*exchange)); !allowed) {
    if (allowed.error().code != ErrorCode::kNotFound) {
      service.token_refused(allowed.error());
    }
    exchange->reply(allowed.error());
    return std::nullopt;
  }
  service.heard(session);
  return SessionCall(service, exchange, std::move(session));
}

void SessionCall::reply(http::Response response) const {
  service_->heard(id_);
  exchange_->reply(std::move(response));
}

void SessionCall::reply(const Error& error) const {
  reply(session_error(*service_, id_, error));
}

http::Response error_with(const Error& error, const Json& more) {
  http::Response response = http::error_response(error);
  if (auto body = parse_json(response.body)) {
    body->update(more);
    response.body = dump_json(*body);
  }
  return response;
}

http::Response session_error(const WorkerService& service, const api::SessionId& id,
                             const Error& error) {
  if (error.reason == "SessionEnded") {
    if (const auto info = service.info(id); info && info->end_reason) {
      return error_with(error, {{"endReason", api::to_string(*info->end_reason)}});
    }
  }
  return http::error_response(error);
}

Result<Json> json_body(const http::Request& request) {
  if (request.body.empty()) {
    return Json::object();
  }
  return parse_json(request.body).map_error([](Error e) {
    e.field = "body";
    return e;
  });
}

Result<Duration> seconds_query(const http::Request& request, std::string_view name) {
  BERTH_ASSIGN(const double seconds, number_query<double>(request, name, 86'400.0));
  return from_seconds(seconds);
}

Result<std::int64_t> int_query(const http::Request& request, std::string_view name) {
  return number_query<std::int64_t>(request, name, INT64_MAX);
}

}  // namespace berth::worker
