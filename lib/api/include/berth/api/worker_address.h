#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "berth/base/json.h"

namespace berth::api {

/// The port of a worker pod's session API: the port named "sessions" of its container
/// "berth-worker", else kWorkerPort. Other containers may use that name for their own.
std::uint16_t worker_port(const Json& pod);

/// "http://10.1.2.3:7600", IPv6 in brackets; empty without an address.
std::string worker_origin(std::string_view ip, std::uint16_t port);

}  // namespace berth::api
