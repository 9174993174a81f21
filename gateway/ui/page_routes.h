#pragma once

#include <memory>

#include "berth/http/server.h"
#include "gateway/api/authorize.h"
#include "gateway/ui/live_feed.h"

namespace berth::gateway::ui {

/// GET /ui/ and its files: the same for everybody, with nothing of the cluster in them.
void add_page(http::Router& router);

/// GET /ui/events[?namespace=]: the feed, for callers who may `list` there, as /v1/pools. See
/// LiveFeed and docs/openapi.yaml.
class EventsRoute {
 public:
  EventsRoute(LiveFeed& feed, Door door) : feed_(feed), door_(door) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  LiveFeed& feed_;
  Door door_;
};

}  // namespace berth::gateway::ui
