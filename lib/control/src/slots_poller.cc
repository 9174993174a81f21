#include "berth/control/slots_poller.h"

#include "berth/base/json.h"

namespace berth::control {

struct SlotsPoller::Impl {
  Impl(EventLoop& loop, http::Transport& transport, auth::TokenSigner& s, Random& random,
       WorkerTarget w, const Settings& settings, std::function<void()> on_change)
      : signer(s),
        target(std::move(w)),
        wait(settings.wait),
        poll(loop, transport, random, target.origin, named(settings, target.server_name),
             {[this](bool resume) { return request(resume); },
              [this](const Json& body) { return accept(body); }, std::move(on_change)}) {}

  static LongPoll::Settings named(LongPoll::Settings settings, const std::string& server_name) {
    settings.server_name = server_name;
    return settings;
  }

  http::Request request(bool resume) {
    http::Request request;
    request.method = "GET";
    request.target = "/v1/slots?wait=" + std::to_string(wait.count());
    if (resume) {
      request.target += "&incarnation=" + http::percent_encode(slots->incarnation.str()) +
                        "&after=" + std::to_string(slots->version);
    }
    request.headers.add("Authorization", "Bearer " + signer.token(target.uid.str()));
    return request;
  }

  Result<bool> accept(const Json& body) {
    BERTH_ASSIGN(api::Slots fresh, api::Slots::parse(body));
    const bool news =
        !slots || slots->incarnation != fresh.incarnation || slots->version != fresh.version;
    slots = std::move(fresh);
    return news;
  }

  auth::TokenSigner& signer;
  const WorkerTarget target;
  const std::chrono::seconds wait;
  std::optional<api::Slots> slots;
  LongPoll poll;
};

SlotsPoller::SlotsPoller(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                         Random& random, WorkerTarget target, Settings settings,
                         std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(loop, transport, signer, random, std::move(target), settings,
                                   std::move(on_change))) {
  impl_->poll.start();
}
SlotsPoller::~SlotsPoller() = default;

const std::optional<api::Slots>& SlotsPoller::slots() const {
  return impl_->slots;
}
bool SlotsPoller::silent() const {
  return impl_->poll.silent();
}
const std::optional<Error>& SlotsPoller::last_error() const {
  return impl_->poll.last_error();
}
const WorkerTarget& SlotsPoller::target() const {
  return impl_->target;
}

}  // namespace berth::control
