#include "operator/gateways/gateway_finder.h"

namespace berth::op {

GatewayFinder::GatewayFinder(EventLoop& loop, kube::Client& client, Random& random,
                             Settings settings, const Log& log, Metrics& metrics,
                             std::function<void(const GatewayList&)> on_change)
    : settings_(std::move(settings)),
      log_(log.with({{"service", settings_.ns + "/" + settings_.service}})),
      on_change_(std::move(on_change)),
      slices_(
          loop, client, random, kube::kEndpointSlices,
          {.ns = settings_.ns, .label_selector = "kubernetes.io/service-name=" + settings_.service},
          log, metrics,
          [this](const Json& o) {
            return EndpointSliceView::from(o, settings_.port, settings_.tls);
          },
          [this](const auto&, const auto&, const auto&) { changed(); }) {}

void GatewayFinder::changed() {
  std::vector<const EndpointSliceView*> slices;
  for (const auto& [name, slice] : slices_.all()) {
    slices.push_back(slice.get());
  }
  GatewayList fresh;
  fresh.origins = gateway_origins(slices);
  fresh.known = !fresh.origins.empty() && fresh.origins.size() <= kMostGateways;
  if (fresh.origins.size() > kMostGateways) {
    log_.warn("more gateways than can be asked; no worker is given up",
              {{"gateways", fresh.origins.size()}, {"most", kMostGateways}});
    fresh.origins.resize(kMostGateways);
  }
  if (fresh == list_) {
    return;
  }
  if (fresh.origins.empty()) {
    log_.warn("the service has no serving gateway; no worker is given up");
  } else {
    log_.info("gateways found", {{"gateways", fresh.origins.size()}});
  }
  list_ = std::move(fresh);
  on_change_(list_);
}

}  // namespace berth::op
