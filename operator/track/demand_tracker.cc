#include "operator/track/demand_tracker.h"

#include <algorithm>
#include <set>

#include "berth/control/long_poll.h"
#include "operator/gateways/gateway_poll.h"

namespace berth::op {

class DemandTracker::Poll {
 public:
  Poll(DemandTracker& owner, const std::string& gateway, std::string ns, std::string pool)
      : owner_(owner),
        ns_(std::move(ns)),
        pool_(std::move(pool)),
        poll_(owner.loop_, owner.transport_, owner.random_, gateway, settings(owner.settings_),
              {[this](bool resume) { return request(resume); },
               [this](const Json& body) { return accept(body); },
               [this] { owner_.on_change_(ns_ + "/" + pool_); }}) {
    poll_.start();
  }

  bool readable() const { return demand_ && !poll_.silent(); }
  bool silent() const { return poll_.silent(); }
  const std::optional<api::Demand>& demand() const { return demand_; }

 private:
  static control::LongPoll::Settings settings(const DemandTracker::Settings& s) {
    control::LongPoll::Settings out;
    out.wait = s.wait;
    out.patience = s.patience;
    return out;
  }

  http::Request request(bool resume) {
    const GatewayAnswer last =
        resume ? GatewayAnswer{demand_->replica, demand_->version} : GatewayAnswer();
    return gateway_question(owner_.signer_,
                            "/v1/demand?namespace=" + http::percent_encode(ns_) +
                                "&pool=" + http::percent_encode(pool_) + "&",
                            owner_.settings_.wait, resume ? &last : nullptr);
  }

  Result<bool> accept(const Json& body) {
    BERTH_ASSIGN(api::Demand fresh, api::Demand::parse(body));
    const bool news =
        !demand_ || demand_->version != fresh.version || demand_->replica != fresh.replica;
    demand_ = std::move(fresh);
    return news;
  }

  DemandTracker& owner_;
  const std::string ns_;
  const std::string pool_;
  std::optional<api::Demand> demand_;
  control::LongPoll poll_;
};

DemandTracker::DemandTracker(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                             Random& random, Settings settings,
                             std::function<void(const std::string& key)> on_change)
    : loop_(loop),
      transport_(transport),
      signer_(signer),
      random_(random),
      settings_(settings),
      on_change_(std::move(on_change)) {}
DemandTracker::~DemandTracker() = default;

void DemandTracker::set_gateways(GatewayList gateways) {
  gateways_ = std::move(gateways);
  for (auto& [key, pool] : pools_) {
    match(pool);
    on_change_(key);
  }
}

void DemandTracker::match(Pool& pool) {
  match_polls(pool.polls, gateways_.origins, [&](const std::string& gateway) {
    return std::make_unique<Poll>(*this, gateway, pool.ns, pool.name);
  });
}

void DemandTracker::add_pool(const std::string& ns, const std::string& pool) {
  const auto [it, fresh] = pools_.try_emplace(ns + "/" + pool);
  if (fresh) {
    it->second.ns = ns;
    it->second.name = pool;
    match(it->second);
  }
}

void DemandTracker::remove_pool(const std::string& ns, const std::string& pool) {
  pools_.erase(ns + "/" + pool);
}

PoolDemand DemandTracker::demand(const std::string& ns, const std::string& pool) const {
  PoolDemand out;
  out.readable = gateways_.known;
  out.silent = !gateways_.known;
  const auto it = pools_.find(ns + "/" + pool);
  if (it == pools_.end()) {
    return out;
  }
  std::set<std::string> seen;
  for (const auto& [origin, poll] : it->second.polls) {
    out.readable = out.readable && poll->readable();
    out.silent = out.silent || poll->silent();
    if (!poll->demand()) {
      continue;
    }
    for (const api::Waiting& w : poll->demand()->waiting) {
      if (seen.insert(w.id.str()).second) {
        out.waiting.push_back({w.id.str(), w.resources});
      }
    }
  }
  return out;
}

}  // namespace berth::op
