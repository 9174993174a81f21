#include "client/src/lease.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace berth::client {
namespace {

using std::chrono::milliseconds;

// After a failed renewal: soon enough to find a worker that has just restarted, seldom enough for a
// client with thousands of sessions.
Duration pause_after_failure(Duration heartbeat, Random& random) {
  const Duration base =
      std::clamp<Duration>(heartbeat / 40, milliseconds(20), std::chrono::seconds(1));
  return base + Duration(static_cast<Duration::rep>(static_cast<double>(base.count()) * 0.5 *
                                                    random.unit()));
}

}  // namespace

Lease::Lease(EventLoop& loop, Random& random, Duration heartbeat_timeout, SendFn send,
             std::function<void()> lost)
    : loop_(loop),
      random_(random),
      heartbeat_(heartbeat_timeout),
      send_(std::move(send)),
      lost_(std::move(lost)) {}

void Lease::start(TimePoint from) {
  from_ = from;
  arm();
}

void Lease::heard(TimePoint sent_at) {
  if (sent_at > from_) {
    from_ = sent_at;
    failing_ = false;
    arm();
  }
}

void Lease::arm() {
  expiry_ = loop_.call_at(expires(), [this] {
    // After what has arrived meanwhile: we may be the ones who stood still.
    expiry_ = loop_.call_after(Duration(0), [this] { time_is_up(); });
  });
  if (!sending_ && !failing_) {
    next_ = loop_.call_at(from_ + heartbeat_ / 3, [this] { renew(); });
  }
}

void Lease::renew() {
  if (sending_) {
    return;
  }
  sending_ = true;
  next_.cancel();
  call_ = send_(heartbeat_ / 3, [this](bool ok) { answered(ok); });
}

void Lease::answered(bool ok) {
  sending_ = false;
  failing_ = !ok;
  const TimePoint soon = loop_.clock().now() + pause_after_failure(heartbeat_, random_);
  next_ = loop_.call_at(ok ? std::max(from_ + heartbeat_ / 3, soon) : soon, [this] { renew(); });
}

void Lease::time_is_up() {
  next_.cancel();
  call_.cancel();
  // The owner of this lease lets go of it in there.
  const auto lost = lost_;
  lost();
}

}  // namespace berth::client
