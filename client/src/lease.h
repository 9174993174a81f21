#pragma once

#include <functional>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"

namespace berth::client {

/// Keeps one session's lease, or notices that it cannot be kept. Loop thread only.
///
/// A renewal goes out a third of the heartbeat timeout after the last answered one was sent; one
/// that fails is repeated soon. The lease is lost one heartbeat timeout after the last answered
/// renewal was *sent*: the worker counts from a later moment, so it never ends a session earlier
/// than we call it lost.
class Lease {
 public:
  /// Sends one renewal and tells whether it was answered. Destroying the handle drops the call.
  using DoneFn = std::function<void(bool answered)>;
  using SendFn = std::function<Cancel(Duration deadline, DoneFn done)>;

  Lease(EventLoop& loop, Random& random, Duration heartbeat_timeout, SendFn send,
        std::function<void()> lost);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  void start(TimePoint from);
  /// A call that the worker took for the owner's was sent at `sent_at` and has been answered.
  void heard(TimePoint sent_at);
  /// Now, unless one is under way.
  void renew();
  TimePoint expires() const { return from_ + heartbeat_; }

 private:
  void arm();
  void answered(bool ok);
  void time_is_up();

  EventLoop& loop_;
  Random& random_;
  const Duration heartbeat_;
  const SendFn send_;
  const std::function<void()> lost_;
  TimePoint from_{};
  Cancel call_;
  Cancel next_;
  Cancel expiry_;
  bool sending_ = false;
  bool failing_ = false;
};

}  // namespace berth::client
