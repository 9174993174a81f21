#include "berth/base/duration.h"
#include "worker/api/worker_api.h"

// For gateways and operators.
namespace berth::worker {
namespace {

using auth::Scope;

constexpr std::int64_t kMaxDrainSeconds = 30LL * 24 * 3600;

Result<Json> switch_body(const ExchangePtr& exchange) {
  return json_body(exchange->request());
}

}  // namespace

void WorkerApi::add_control_routes(http::Router& router) {
  const auto guarded = [this](std::set<Scope> scopes, auto handler) -> http::Handler {
    return [this, scopes = std::move(scopes), handler](const ExchangePtr& exchange) {
      if (const auto allowed = parts_.guard.check(*exchange, scopes); !allowed) {
        parts_.service.token_refused(allowed.error());
        exchange->reply(allowed.error());
        return;
      }
      handler(exchange);
    };
  };
  const std::set<Scope> either = {Scope::kCreate, Scope::kOperate};
  router.add("POST", "/v1/sessions",
             guarded({Scope::kCreate}, [this](const ExchangePtr& e) { create(e); }),
             {.max_bytes = 64u << 10});
  router.add("GET", "/v1/sessions", guarded(either, [this](const ExchangePtr& e) { list(e); }));
  router.add("GET", "/v1/slots", guarded(either, [this](const ExchangePtr& e) { slots(e); }));
  const http::BodyRule small{.max_bytes = 4u << 10};
  router.add("POST", "/v1/cordon",
             guarded({Scope::kOperate}, [this](const ExchangePtr& e) { cordon(e, true); }), small);
  router.add("POST", "/v1/uncordon",
             guarded({Scope::kOperate}, [this](const ExchangePtr& e) { cordon(e, false); }), small);
  router.add("POST", "/v1/drain",
             guarded({Scope::kOperate}, [this](const ExchangePtr& e) { drain(e); }), small);
  router.add("POST", "/v1/retire",
             guarded({Scope::kOperate}, [this](const ExchangePtr& e) { retire(e); }), small);
}

void WorkerApi::create(const ExchangePtr& exchange) {
  auto created =
      json_body(exchange->request()).and_then(api::CreateSession::parse).and_then([this](auto ask) {
        return parts_.service.create(std::move(ask));
      });
  if (created) {
    exchange->reply_json(created->is_new ? 201 : 200, api::json_text(created->answer));
  } else {
    exchange->reply(created.error());
  }
}

void WorkerApi::list(const ExchangePtr& exchange) {
  std::string text = R"({"sessions":[)";
  const char* before = "";
  for (const api::SessionInfo& info : parts_.service.list()) {
    text += before + api::json_text(info);
    before = ",";
  }
  exchange->reply_json(200, text + "]}");
}

void WorkerApi::slots(const ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  const auto after = int_query(request, "after");
  const auto wait = seconds_query(request, "wait");
  if (!after || !wait) {
    exchange->reply(after ? wait.error() : after.error());
    return;
  }
  slots_hub_.poll(exchange, request.query("incarnation").value_or(""), *after, *wait);
}

void WorkerApi::give_back(const ExchangePtr& exchange, const std::string& attempt) {
  if (const auto allowed = parts_.guard.check(*exchange, {Scope::kCreate}); !allowed) {
    parts_.service.token_refused(allowed.error());
    exchange->reply(allowed.error());
    return;
  }
  const std::string& id = exchange->param("id");
  auto done = api::check_id(id, "id").and_then(
      [&] { return parts_.service.give_back(api::SessionId(id), attempt); });
  if (done) {
    exchange->reply(http::Response::json(200, "{}"));
  } else {
    exchange->reply(done.error());
  }
}

void WorkerApi::reply_switch(const ExchangePtr& exchange, const Status& done) {
  const SessionTable& table = parts_.service.table();
  if (done) {
    exchange->reply_json(200, dump_json(api::to_json(table.slots())));
  } else if (done.error().reason == "StaleEpoch") {
    exchange->reply(error_with(done.error(), {{"epoch", table.epoch()}}));
  } else if (done.error().reason == "SessionsOpen") {
    exchange->reply(error_with(done.error(), {{"sessions", table.slots().sessions}}));
  } else {
    exchange->reply(done.error());
  }
}

void WorkerApi::cordon(const ExchangePtr& exchange, bool on) {
  reply_switch(exchange, switch_body(exchange).and_then([&](const Json& body) -> Status {
    FieldReader reader(body, "");
    std::int64_t epoch = 0;
    reader.required("epoch", epoch, 0, INT64_MAX);
    BERTH_TRY(reader.finish());
    return on ? parts_.service.cordon(epoch) : parts_.service.uncordon(epoch);
  }));
}

void WorkerApi::drain(const ExchangePtr& exchange) {
  reply_switch(exchange, switch_body(exchange).and_then([&](const Json& body) -> Status {
    FieldReader reader(body, "");
    std::int64_t epoch = 0;
    std::int64_t seconds = 0;
    reader.required("epoch", epoch, 0, INT64_MAX);
    reader.required("seconds", seconds, 0, kMaxDrainSeconds);
    BERTH_TRY(reader.finish());
    return parts_.service.drain(epoch, std::chrono::seconds(seconds));
  }));
}

void WorkerApi::retire(const ExchangePtr& exchange) {
  reply_switch(exchange, parts_.service.retire());
}

}  // namespace berth::worker
