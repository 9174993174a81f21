#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"

namespace berth::kube {

/// Leader election by a Lease, with client-go's timings and rules (reference: client-go
/// tools/leaderelection). Loop thread only.
///
///   - a holder is waited for by our own clock, from when we saw its record change; the times
///   written in
///     it mean nothing
///   - what we may do counts from before a renewal was sent, so it ends before a standby may begin
///   - a Lease that somebody deleted is made again by its holder, or by a standby in the holder's
///   name,
///     which then waits as before. Only a process that never saw the holder may lead beside it, for
///     up to the renew deadline: its epoch is lower, and whoever acts on epochs refuses it
struct LeaderSettings {
  std::string ns;
  std::string name;
  std::string identity;  ///< host name + "_" + random.
  Duration lease = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry = std::chrono::seconds(2);

  /// lease > renew_deadline > 1.2 * retry > 0, and nothing empty.
  Status check() const;
};

class LeaderElector {
 public:
  struct Events {
    std::function<void(std::int64_t epoch)> started;  ///< epoch = leaseTransitions.
    /// Leadership is lost: exit the process at once, with no graceful drain.
    std::function<void()> lost;
  };
  LeaderElector(EventLoop& loop, Client& client, Random& random, LeaderSettings settings,
                const Log& log, Metrics& metrics, Events events);
  ~LeaderElector();
  void start();
  /// The Lease was given back, as far as somebody saw: a candidate tries at once instead of at its
  /// next turn. Harmless when it is not true.
  void look_now();
  /// Gives the Lease back if held, so that a standby takes over at once; then `done`. may_write()
  /// is false from the call on; takes at most half the renew deadline. Call it once, after all work
  /// has stopped.
  void release(std::function<void()> done);

  /// True while the last renewal is younger than the renew deadline by our own clock: ask right
  /// before each write.
  bool may_write() const;
  std::int64_t epoch() const;
  /// A worker reported a higher epoch (the Lease was deleted): raise ours above it by
  /// compare-and-swap; `done` says whether it worked.
  void raise_epoch(std::int64_t above, std::function<void(bool)> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared: callbacks under way keep it
};

}  // namespace berth::kube
