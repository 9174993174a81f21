#include "operator/track/demand_tracker.h"

#include <set>

#include "berth/base/backoff.h"
#include "berth/http/server.h"

namespace berth::op {

constexpr const char* kGatewayAudience = "berth-gateway";

class DemandTracker::Poll {
 public:
  Poll(DemandTracker& owner, std::string gateway, std::string ns, std::string pool)
      : owner_(owner),
        gateway_(std::move(gateway)),
        ns_(std::move(ns)),
        pool_(std::move(pool)),
        backoff_({std::chrono::milliseconds(100), std::chrono::seconds(5), 2.0, 0.5},
                 owner.random_) {
    send();
  }

  bool readable() const { return demand_ && !silent_; }
  const std::optional<api::Demand>& demand() const { return demand_; }

 private:
  void send() {
    http::Request request;
    request.method = "GET";
    request.target = "/v1/demand?namespace=" + http::percent_encode(ns_) +
                     "&pool=" + http::percent_encode(pool_) +
                     "&wait=" + std::to_string(owner_.settings_.wait.count());
    if (demand_) {
      request.target += "&replica=" + http::percent_encode(demand_->replica) +
                        "&after=" + std::to_string(demand_->version);
    }
    request.headers.add("Authorization", "Bearer " + owner_.signer_.token(kGatewayAudience));
    http::CallOptions options;
    options.deadline = owner_.settings_.wait + std::chrono::seconds(10);
    call_ = owner_.transport_.send(gateway_, std::move(request), options,
                                   [this](Result<http::Response> r) { answered(std::move(r)); });
  }

  void answered(Result<http::Response> response) {
    call_.release();
    Result<api::Demand> fresh = read(std::move(response));
    if (!fresh) {
      retry_ = owner_.loop_.call_after(backoff_.next(), [this] { send(); });
      return;
    }
    backoff_.reset();
    const bool changed = silent_ || !demand_ || demand_->version != fresh->version ||
                         demand_->replica != fresh->replica;
    silent_ = false;
    demand_ = std::move(*fresh);
    const Duration patience = owner_.settings_.wait + owner_.settings_.patience;
    silence_ = owner_.loop_.call_after(patience, [this] {
      silent_ = true;
      owner_.on_change_(ns_ + "/" + pool_);
    });
    if (changed) {
      send();
      owner_.on_change_(ns_ + "/" + pool_);
    } else {
      retry_ = owner_.loop_.call_after(std::chrono::milliseconds(20), [this] { send(); });
    }
  }

  static Result<api::Demand> read(Result<http::Response> response) {
    if (!response) {
      return fail(std::move(response).error());
    }
    if (response->status != 200) {
      return fail(http::error_from_response(*response));
    }
    BERTH_ASSIGN(const Json body, parse_json(response->body));
    return api::Demand::parse(body);
  }

  DemandTracker& owner_;
  const std::string gateway_;
  const std::string ns_;
  const std::string pool_;
  Backoff backoff_;
  std::optional<api::Demand> demand_;
  bool silent_ = false;
  Cancel call_;
  Cancel retry_;
  Cancel silence_;
};

DemandTracker::DemandTracker(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                             Random& random, Settings settings,
                             std::function<void(const std::string& key)> on_change)
    : loop_(loop),
      transport_(transport),
      signer_(signer),
      random_(random),
      settings_(std::move(settings)),
      on_change_(std::move(on_change)) {}
DemandTracker::~DemandTracker() = default;

void DemandTracker::add_pool(const std::string& ns, const std::string& pool) {
  auto& polls = polls_[ns + "/" + pool];
  if (!polls.empty()) {
    return;
  }
  for (const std::string& gateway : settings_.gateways) {
    polls.push_back(std::make_unique<Poll>(*this, gateway, ns, pool));
  }
}

void DemandTracker::remove_pool(const std::string& ns, const std::string& pool) {
  polls_.erase(ns + "/" + pool);
}

PoolDemand DemandTracker::demand(const std::string& ns, const std::string& pool) const {
  PoolDemand out;
  out.readable = true;
  const auto it = polls_.find(ns + "/" + pool);
  if (it == polls_.end()) {
    return out;
  }
  std::set<std::string> seen;
  for (const auto& poll : it->second) {
    out.readable = out.readable && poll->readable();
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
