#include "gateway/api/create_route.h"

#include <utility>

namespace berth::gateway {
namespace {

constexpr int kStillWaiting = 503;

}  // namespace

void CreateRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  authorize(door_, exchange, access_of(*exchange),
            [this, exchange](const Identity& caller) { create(exchange, caller); });
}

Access CreateRoute::access_of(const http::Exchange& exchange) {
  return {Access::Verb::kCreate, exchange.param("ns"), exchange.param("pool")};
}

void CreateRoute::audit(const http::Exchange& exchange, const Identity& caller,
                        const std::string& session, std::string_view worker,
                        std::string_view outcome) const {
  const Access access = access_of(exchange);
  AuditEvent event = event_of(access, exchange);
  event.owner = caller.owner;
  event.session = session;
  event.worker = worker;
  event.outcome = outcome;
  door_.audit.write(event);
}

void CreateRoute::create(const std::shared_ptr<http::Exchange>& exchange, const Identity& caller) {
  auto request = parse_json(exchange->request().body).and_then(api::CreateSession::parse);
  if (!request) {
    audit(*exchange, caller, "", "", request.error().reason_or_code());
    exchange->reply(request.error());
    return;
  }
  request->owner = caller.owner;
  request->attempt.clear();
  const std::string id = request->id.str();
  const auto call =
      creator_.create(pool_key(exchange->param("ns"), exchange->param("pool")), *std::move(request),
                      [this, exchange, caller, id](http::Response response, const Opened* opened) {
                        if (opened != nullptr) {
                          audit(*exchange, caller, opened->id.str(), opened->pod.name, "ok");
                          // Still of use after reply(): until the last byte is out the caller may
                          // go without having read it.
                          exchange->on_client_gone([&creator = creator_, opened = *opened] {
                            creator.give_back(opened);
                          });
                        } else if (const std::string outcome = outcome_of(response);
                                   response.status != kStillWaiting || outcome != "StillWaiting") {
                          audit(*exchange, caller, id, "", outcome);
                        }
                        exchange->reply(std::move(response));
                      });
  if (!exchange->answered()) {
    exchange->on_client_gone([this, weak = std::weak_ptr(exchange), caller, id, call] {
      if (const auto left = weak.lock()) {
        audit(*left, caller, id, "", "CallerGone");
      }
      creator_.caller_gone(call);
    });
  }
}

}  // namespace berth::gateway
