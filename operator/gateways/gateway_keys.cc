#include "operator/gateways/gateway_keys.h"

#include "berth/api/session.h"
#include "operator/gateways/gateway_poll.h"

namespace berth::op {

class GatewayKeysTracker::Poll {
 public:
  Poll(GatewayKeysTracker& owner, std::string origin)
      : owner_(owner),
        origin_(std::move(origin)),
        poll_(
            owner.loop_, owner.transport_, owner.random_, origin_, settings_,
            {[this](bool resume) { return request(resume); },
             [this](const Json& body) { return accept(body); }, [this] { owner_.on_change_(); }}) {
    poll_.start();
  }

  KeyHolder holder() const {
    KeyHolder h;
    h.kind = KeyHolder::Kind::kGateway;
    h.name = origin_;
    // One that has the path nowhere answers, and is older than the path.
    const bool older = poll_.last_error() && poll_.last_error()->code == ErrorCode::kNotFound;
    h.readable = older || (told_ && !poll_.silent());
    if (told_ && !older) {
      h.keys = std::set<std::string>(told_->keys.begin(), told_->keys.end());
      h.signing = told_->signing;
    }
    return h;
  }

 private:
  http::Request request(bool resume) {
    const GatewayAnswer last =
        resume ? GatewayAnswer{told_->replica, told_->version} : GatewayAnswer();
    return gateway_question(owner_.signer_, "/v1/keys?", settings_.wait, resume ? &last : nullptr);
  }

  Result<bool> accept(const Json& body) {
    BERTH_ASSIGN(api::GatewayKeys fresh, api::GatewayKeys::parse(body));
    const bool news = !told_ || told_->version != fresh.version || told_->replica != fresh.replica;
    told_ = std::move(fresh);
    return news;
  }

  GatewayKeysTracker& owner_;
  const std::string origin_;
  const control::LongPoll::Settings settings_;
  std::optional<api::GatewayKeys> told_;
  control::LongPoll poll_;
};

GatewayKeysTracker::GatewayKeysTracker(EventLoop& loop, http::Transport& transport,
                                       auth::TokenSigner& signer, Random& random,
                                       std::function<void()> on_change)
    : loop_(loop),
      transport_(transport),
      signer_(signer),
      random_(random),
      on_change_(std::move(on_change)) {}
GatewayKeysTracker::~GatewayKeysTracker() = default;

void GatewayKeysTracker::set_gateways(const std::vector<std::string>& origins) {
  match_polls(polls_, origins,
              [this](const std::string& origin) { return std::make_unique<Poll>(*this, origin); });
}

std::vector<KeyHolder> GatewayKeysTracker::holders() const {
  std::vector<KeyHolder> out;
  for (const auto& [origin, poll] : polls_) {
    out.push_back(poll->holder());
  }
  return out;
}

}  // namespace berth::op
