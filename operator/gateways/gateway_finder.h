#pragma once

#include <functional>
#include <string>
#include <vector>

#include "berth/kube/reflector.h"
#include "operator/gateways/endpoint_slice.h"

namespace berth::op {

/// The gateways that there are, as far as it is known.
struct GatewayList {
  std::vector<std::string> origins;
  bool known = false;  ///< False: there may be others, so nobody knows what waits.
  bool operator==(const GatewayList&) const = default;
};

/// Follows the EndpointSlices of one Service. Loop thread only.
class GatewayFinder {
 public:
  static constexpr std::size_t kMostGateways = 64;

  struct Settings {
    std::string ns;
    std::string service;
    std::string port;  ///< Name of the Service's port; needed if it has several.
    bool tls = false;  ///< They serve https.
  };
  /// `on_change` runs whenever the list is another one.
  GatewayFinder(EventLoop& loop, kube::Client& client, Random& random, Settings settings,
                const Log& log, Metrics& metrics,
                std::function<void(const GatewayList&)> on_change);

  void start() { slices_.start(); }
  void stop() { slices_.stop(); }
  bool synced() const { return slices_.synced(); }
  const GatewayList& gateways() const { return list_; }

 private:
  void changed();

  const Settings settings_;
  Log log_;
  std::function<void(const GatewayList&)> on_change_;
  GatewayList list_;
  kube::Reflector<EndpointSliceView> slices_;
};

}  // namespace berth::op
