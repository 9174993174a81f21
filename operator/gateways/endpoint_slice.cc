#include "operator/gateways/endpoint_slice.h"

#include <map>
#include <set>

#include "berth/api/worker_address.h"

namespace berth::op {
namespace {

std::optional<std::uint16_t> port_of(const Json& slice, const std::string& name) {
  const Json* ports = find(slice, "ports");
  if (ports == nullptr || !ports->is_array()) {
    return std::nullopt;
  }
  for (const Json& p : *ports) {
    const auto number = get_int(p, "port");
    if (number && *number > 0 && *number < 65536 &&
        (ports->size() == 1 || get_string(p, "name") == name)) {
      return static_cast<std::uint16_t>(*number);
    }
  }
  return std::nullopt;
}

// Absent conditions count as true (KEP-1672); a terminating endpoint is served while it says so.
bool serves(const Json& endpoint) {
  const Json* conditions = find(endpoint, "conditions");
  if (conditions == nullptr) {
    return true;
  }
  const auto serving = get_bool(*conditions, "serving");
  return serving ? *serving : get_bool(*conditions, "ready").value_or(true);
}

std::string first_address(const Json& endpoint) {
  const Json* addresses = find(endpoint, "addresses");
  return addresses != nullptr && addresses->is_array() && !addresses->empty() &&
                 addresses->front().is_string()
             ? addresses->front().get<std::string>()
             : "";
}

}  // namespace

std::optional<EndpointSliceView> EndpointSliceView::from(const Json& slice,
                                                         const std::string& port_name, bool tls) {
  EndpointSliceView out;
  const std::string family = get_string(slice, "addressType").value_or("");
  const auto port = port_of(slice, port_name);
  const Json* endpoints = find(slice, "endpoints");
  if ((family != "IPv4" && family != "IPv6") || !port || endpoints == nullptr ||
      !endpoints->is_array()) {
    return out;
  }
  for (const Json& e : *endpoints) {
    const std::string address = first_address(e);
    if (address.empty() || !serves(e)) {
      continue;
    }
    const std::string uid = string_at(e, {"targetRef", "uid"});
    out.serving.push_back(
        {uid.empty() ? address : uid, api::worker_origin(address, *port, tls), family == "IPv6"});
  }
  return out;
}

std::vector<std::string> gateway_origins(const std::vector<const EndpointSliceView*>& slices) {
  std::map<std::string, const Endpoint*> by_target;
  for (const EndpointSliceView* slice : slices) {
    for (const Endpoint& e : slice->serving) {
      const Endpoint*& chosen = by_target[e.target];
      if (chosen == nullptr || (chosen->ipv6 && !e.ipv6)) {
        chosen = &e;
      }
    }
  }
  std::set<std::string> origins;
  for (const auto& [target, endpoint] : by_target) {
    origins.insert(endpoint->origin);
  }
  return {origins.begin(), origins.end()};
}

}  // namespace berth::op
