#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "berth/base/json.h"

namespace berth::api {

/// The port of a worker pod's session API: the port named "sessions" of its container
/// "berth-worker", else kWorkerPort. Other containers may use that name for their own.
std::uint16_t worker_port(const Json& pod);

/// Whether the worker in that pod serves https: the operator's annotation kTlsAnnotation says so.
bool worker_speaks_tls(const Json& pod);

/// "http://10.1.2.3:7600" or "https://...", IPv6 in brackets; empty without an address.
std::string worker_origin(std::string_view ip, std::uint16_t port, bool tls = false);

/// The origin behind the `address` of a session's worker, "10.1.2.3:7600" or
/// "https://10.1.2.3:7600".
std::string worker_origin(std::string_view address);

/// "workers.NAMESPACE.berth": the name that the certificate of a worker in that namespace is for,
/// whatever its address. No Service and no host can have it. Nothing for a worker without TLS.
std::string worker_server_name(std::string_view ns, bool tls = true);
/// The same for the worker at `origin`.
std::string worker_server_name_at(std::string_view origin, std::string_view ns);

}  // namespace berth::api
