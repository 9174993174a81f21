#include "berth/base/duration.h"
#include "worker/api/worker_api.h"

// For the owners of sessions.
namespace berth::worker {

void WorkerApi::add_session_routes(http::Router& router) {
  const auto owned = [this](auto handler) -> http::Handler {
    return [this, handler](const ExchangePtr& exchange) {
      if (const auto call = SessionCall::open(parts_.service, exchange)) {
        handler(*call);
      }
    };
  };
  const http::Handler complete_it = owned([this](const SessionCall& call) { complete(call); });
  router.add("GET", "/v1/sessions/{id}",
             owned([this](const SessionCall& call) { reply_info(call, 200); }));
  router.add("POST", "/v1/sessions/{id}/heartbeat", owned([this](const SessionCall& call) {
               if (const auto open = parts_.service.table().check_open(call.id()); !open) {
                 call.reply(open.error());
                 return;
               }
               reply_info(call, 200);
             }),
             {.max_bytes = 4u << 10});
  router.add("DELETE", "/v1/sessions/{id}", [this, complete_it](const ExchangePtr& exchange) {
    if (const auto attempt = exchange->request().query("attempt")) {
      give_back(exchange, *attempt);
    } else {
      complete_it(exchange);
    }
  });
  router.add("POST", "/v1/sessions/{id}/complete", complete_it, {.max_bytes = 4u << 10});
}

void WorkerApi::complete(const SessionCall& call) {
  Duration keep_for{0};
  if (const auto text = call.exchange().request().query("keepFor")) {
    const auto parsed = parse_duration(*text);
    if (!parsed || *parsed > parts_.max_keep_for) {
      call.reply(Error::invalid("keepFor",
                                parsed ? "must be at most " + format_duration(parts_.max_keep_for)
                                       : parsed.error().message));
      return;
    }
    keep_for = *parsed;
  }
  if (const auto done = parts_.service.complete(call.id(), keep_for); !done) {
    call.reply(done.error());
    return;
  }
  reply_info(call, 202);
}

void WorkerApi::reply_info(const SessionCall& call, int status_when_ending) {
  const auto info = parts_.service.info(call.id());
  if (!info) {
    call.reply(info.error());
    return;
  }
  const bool ending = info->state == api::SessionState::kEnding;
  call.reply(http::Response::json(ending ? status_when_ending : 200, api::json_text(*info)));
}

}  // namespace berth::worker
