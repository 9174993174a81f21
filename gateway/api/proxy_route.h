#pragma once

#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/server.h"
#include "berth/http/transport.h"
#include "gateway/api/audit.h"
#include "gateway/placement/worker_table.h"

namespace berth::gateway {

/// .../pools/{pool}/workers/{pod}/sessions/{rest...}: passes a session's calls to its worker and
/// streams both bodies. Only to pods of that pool, in whatever state the pod is. The caller's own
/// Authorization, the session's token, goes along, and no credential of the gateway does: what the
/// caller may do there is between it and the worker. Ends of sessions are written to the audit log,
/// with the owner as the worker's answer tells it.
class ProxyRoute {
 public:
  struct Settings {
    /// Longest silence: until the answer's head while no byte of the request moves, and between two
    /// chunks of the answer. Above the workers' longest long poll.
    Duration idle_timeout = std::chrono::seconds(60);
    Duration total = std::chrono::hours(24);
  };
  ProxyRoute(EventLoop& loop, http::Transport& transport, const WorkerTable& workers,
             const AuditLog& audit, Settings settings)
      : loop_(loop), transport_(transport), workers_(workers), audit_(audit), settings_(settings) {}
  void handle(const std::shared_ptr<http::Exchange>& exchange);

 private:
  class Call;
  Result<const WorkerPod*> worker_of(const http::Exchange& exchange) const;

  EventLoop& loop_;
  http::Transport& transport_;
  const WorkerTable& workers_;
  const AuditLog& audit_;
  Settings settings_;
};

/// The worker's target for a gateway's: "/v1/sessions/" and all that follows, undecoded, query
/// included. An error for paths that could mean something else to the worker than to us ("..",
/// "//", an encoded slash).
Result<std::string> worker_target(std::string_view gateway_target);

/// Headers that go on to the other side: all but hop-by-hop ones, what Connection names, and Host.
http::Headers end_to_end(const http::Headers& headers);

}  // namespace berth::gateway
