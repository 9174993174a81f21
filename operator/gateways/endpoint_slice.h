#pragma once

#include <optional>
#include <string>
#include <vector>

#include "berth/base/json.h"

namespace berth::op {

/// One serving endpoint.
struct Endpoint {
  std::string target;  ///< The pod's uid; its address when the slice names no pod.
  std::string origin;  ///< "http://10.1.2.3:7070", "http://[fd00::3]:7070"
  bool ipv6 = false;
};

/// What is kept of an EndpointSlice (discovery.k8s.io/v1).
struct EndpointSliceView {
  std::vector<Endpoint> serving;

  /// `port`: the name of the port to use; a slice with a single port needs no name.
  /// `tls`: gateways serve https.
  static std::optional<EndpointSliceView> from(const Json& slice, const std::string& port,
                                               bool tls = false);
};

/// The origins, one for each target (its IPv4 one if it has both), sorted.
std::vector<std::string> gateway_origins(const std::vector<const EndpointSliceView*>& slices);

}  // namespace berth::op
