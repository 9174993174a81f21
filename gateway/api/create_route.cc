#include "gateway/api/create_route.h"

#include <utility>

#include "gateway/api/authorize.h"

namespace berth::gateway {

void CreateRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  authorize(authenticator_, exchange,
            {Access::Verb::kCreate, exchange->param("ns"), exchange->param("pool")},
            [this, exchange](const Identity& caller) { create(exchange, caller); });
}

void CreateRoute::create(const std::shared_ptr<http::Exchange>& exchange, const Identity& caller) {
  auto body = parse_json(exchange->request().body);
  if (!body) {
    exchange->reply(body.error());
    return;
  }
  auto request = api::CreateSession::parse(*body);
  if (!request) {
    exchange->reply(request.error());
    return;
  }
  request->owner = caller.owner;
  request->attempt.clear();
  const auto call =
      creator_.create(pool_key(exchange->param("ns"), exchange->param("pool")), *std::move(request),
                      [this, exchange](http::Response response, const Opened* opened) {
                        if (opened != nullptr) {
                          // Still of use after reply(): until the last byte is out the caller may
                          // go without having read it.
                          exchange->on_client_gone([&creator = creator_, opened = *opened] {
                            creator.give_back(opened);
                          });
                        }
                        exchange->reply(std::move(response));
                      });
  if (!exchange->answered()) {
    exchange->on_client_gone([&creator = creator_, call] { creator.caller_gone(call); });
  }
}

}  // namespace berth::gateway
