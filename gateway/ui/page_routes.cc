#include "gateway/ui/page_routes.h"

#include <string>
#include <utility>

#include "gateway/ui/assets.h"

namespace berth::gateway::ui {
namespace {

// Only our own files; no inline script or style, and no text that becomes markup.
constexpr const char* kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

void protect(http::Headers& headers) {
  headers.set("Content-Security-Policy", kContentPolicy);
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("X-Frame-Options", "DENY");
  headers.set("Referrer-Policy", "no-referrer");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
}

void serve(const Asset& asset, http::Exchange& exchange) {
  const std::string etag = "\"" + std::string(asset.hash) + "\"";
  http::Response response;
  protect(response.headers);
  response.headers.set("ETag", etag);
  response.headers.set("Cache-Control", "no-cache");
  if (exchange.request().headers.get("If-None-Match") == etag) {
    response.status = 304;
  } else {
    response.headers.set("Content-Type", std::string(asset.type));
    response.body = asset.bytes;
  }
  exchange.reply(std::move(response));
}

}  // namespace

void add_page(http::Router& router) {
  for (const Asset& asset : assets()) {
    const std::string path = asset.name == "index.html" ? "" : std::string(asset.name);
    router.add("GET", "/ui/" + path,
               [&asset](const std::shared_ptr<http::Exchange>& e) { serve(asset, *e); });
  }
  router.add("GET", "/ui", [](const std::shared_ptr<http::Exchange>& exchange) {
    http::Response response = http::Response::text(302, "see /ui/\n");
    response.headers.set("Location", "/ui/");
    exchange->reply(std::move(response));
  });
}

void EventsRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const std::string ns = exchange->request().query("namespace").value_or("");
  const Access access{Access::Verb::kList, ns, ""};
  authorize(door_, exchange, access, [this, exchange, access](const Identity& caller) {
    auto stream = feed_.open(access.ns);
    AuditEvent event = event_of(access, *exchange);
    event.owner = caller.owner;
    event.outcome = stream ? "ok" : std::string_view(stream.error().reason);
    door_.audit.write(event);
    if (!stream) {
      exchange->reply(stream.error());
      return;
    }
    http::Response response;
    protect(response.headers);
    response.headers.set("Content-Type", "text/event-stream");
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("X-Accel-Buffering", "no");  // nginx would hold events back
    response.body_source = *std::move(stream);
    exchange->reply(std::move(response));
  });
}

}  // namespace berth::gateway::ui
