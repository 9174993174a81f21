#pragma once

#include <functional>
#include <memory>
#include <string>

#include "temporal/rpc/service.h"

namespace berth::temporal {

/// Where Temporal is and who calls it.
struct Connection {
  std::string address;  ///< "host:port".
  std::string ns;       ///< Temporal's namespace.
  std::string identity;
  bool tls = false;
  /// PEM files, followed as they change (within a minute).
  std::string ca_file;           ///< Empty: the system's.
  std::string certificate_file;  ///< Of the caller, with `key_file`; empty: none.
  std::string key_file;
  std::string server_name;  ///< What the server's certificate must be for. Empty: the host.
  /// Asked before each call, on the loop. Empty answer: no key. May be null.
  std::function<std::string()> api_key;
};

/// Calls a real server by gRPC. Nothing is sent before the first call; lost connections are made
/// again by gRPC itself. Must outlive the handles of its calls.
std::unique_ptr<Service> make_grpc_service(EventLoop& loop, Connection connection);

}  // namespace berth::temporal
