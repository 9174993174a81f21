#include "berth/control/slots_poller.h"

#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::control {

struct SlotsPoller::Impl {
  Impl(EventLoop& l, http::Transport& t, auth::TokenSigner& s, Random& r, WorkerTarget w,
       Settings se, std::function<void()> f)
      : loop(l),
        transport(t),
        signer(s),
        target(std::move(w)),
        settings(se),
        backoff(se.backoff, r),
        on_change(std::move(f)),
        heard_at(l.clock().now()) {
    poll();
    watch_silence();
  }

  Duration patience() const { return settings.wait + settings.patience; }

  void poll() {
    http::Request request;
    request.method = "GET";
    request.target = "/v1/slots?wait=" + std::to_string(settings.wait.count());
    if (slots && !error) {  // After a failure any answer is news: it must not wait for a change.
      request.target += "&incarnation=" + http::percent_encode(slots->incarnation.str()) +
                        "&after=" + std::to_string(slots->version);
    }
    request.headers.add("Authorization", "Bearer " + signer.token(target.uid.str()));
    http::CallOptions options;
    options.deadline = settings.wait + std::chrono::seconds(10);
    options.max_body = 64u << 10;
    call = transport.send(target.origin, std::move(request), options,
                          [this](Result<http::Response> r) { answered(std::move(r)); });
  }

  void answered(Result<http::Response> response) {
    call.release();
    Result<api::Slots> fresh = read(std::move(response));
    if (!fresh) {
      const bool news = !error;
      error = fresh.error();
      retry = loop.call_after(backoff.next(), [this] { poll(); });
      if (news) {
        on_change();
      }
      return;
    }
    backoff.reset();
    heard_at = loop.clock().now();
    const bool changed = silent || error || !slots || slots->incarnation != fresh->incarnation ||
                         slots->version != fresh->version;
    silent = false;
    error.reset();
    slots = std::move(*fresh);
    watch_silence();
    // A worker that answers at once without news must not be asked in a tight loop.
    if (changed) {
      poll();
      on_change();
    } else {
      retry = loop.call_after(std::chrono::milliseconds(20), [this] { poll(); });
    }
  }

  static Result<api::Slots> read(Result<http::Response> response) {
    if (!response) {
      return fail(std::move(response).error());
    }
    if (response->status != 200) {
      return fail(http::error_from_response(*response));
    }
    BERTH_ASSIGN(const Json body, parse_json(response->body));
    return api::Slots::parse(body);
  }

  void watch_silence() {
    silence = loop.call_at(heard_at + patience(), [this] {
      silent = true;
      on_change();
    });
  }

  EventLoop& loop;
  http::Transport& transport;
  auth::TokenSigner& signer;
  WorkerTarget target;
  Settings settings;
  Backoff backoff;
  std::function<void()> on_change;
  std::optional<api::Slots> slots;
  std::optional<Error> error;
  TimePoint heard_at;
  bool silent = false;
  Cancel call;
  Cancel retry;
  Cancel silence;
};

SlotsPoller::SlotsPoller(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                         Random& random, WorkerTarget target, Settings settings,
                         std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(loop, transport, signer, random, std::move(target), settings,
                                   std::move(on_change))) {}
SlotsPoller::~SlotsPoller() = default;

const std::optional<api::Slots>& SlotsPoller::slots() const {
  return impl_->slots;
}
bool SlotsPoller::silent() const {
  return impl_->silent;
}
const std::optional<Error>& SlotsPoller::last_error() const {
  return impl_->error;
}
const WorkerTarget& SlotsPoller::target() const {
  return impl_->target;
}

}  // namespace berth::control
