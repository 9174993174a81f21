#pragma once

#include <functional>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"

namespace berth::devcluster {

/// The numbers of a container's readinessProbe, with Kubernetes' defaults.
struct ProbeSettings {
  Duration initial_delay{0};
  Duration period = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(1);
  int success_threshold = 1;
  int failure_threshold = 3;

  static ProbeSettings parse(const Json& probe);
};

/// One try of a probe: calls the function once with the outcome, never inside the call; the handle
/// aborts it.
using ProbeAttempt = std::function<Cancel(std::function<void(bool ok)>)>;

/// Tries again and again and says when the answer changes. Not ready at first. Loop thread only.
///
/// Until the first success it asks more often than the period (after 50 ms, doubling), which a
/// kubelet does not do: pools on one machine start in milliseconds, and nobody wants to wait ten
/// seconds for the second try.
class Readiness {
 public:
  Readiness(EventLoop& loop, ProbeSettings settings, ProbeAttempt attempt,
            std::function<void(bool ready)> on_change);
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  bool ready() const { return ready_; }

 private:
  void try_after(Duration delay);
  void attempt();
  void take(bool ok);

  EventLoop& loop_;
  const ProbeSettings settings_;
  const ProbeAttempt attempt_;
  const std::function<void(bool)> on_change_;
  bool ready_ = false;
  bool ever_ready_ = false;
  int in_a_row_ = 0;
  bool last_ok_ = false;
  Duration eager_ = std::chrono::milliseconds(50);
  Cancel timer_;
  Cancel timeout_;
  Cancel running_;
};

}  // namespace berth::devcluster
