#pragma once

#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"

namespace berth::op {

/// Why a pod of a pool gets no volumes, in the kubelet's words: `secret "x" not found`. A pod's
/// status says only that its containers are being created, the reason is in an Event. So after a
/// pod has waited for `kPatience` its warnings are listed, and again as long as it waits: one small
/// list at a time for each pool, however many pods wait. Without the right to list events nothing
/// is known. Loop thread only; destroying it stops it.
class VolumeTrouble {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(5);
  static constexpr Duration kLookAgain = std::chrono::seconds(15);

  /// A pod that is bound to a node and whose container was never started.
  struct Waiting {
    std::string uid;
    TimePoint since{};
  };
  /// `changed`: what why() says has changed.
  VolumeTrouble(EventLoop& loop, kube::Client& client, Log log, std::string ns,
                std::function<void()> changed);

  /// The one of the pool's pods that has waited longest; nothing: none waits.
  void watch(const std::optional<Waiting>& pod);
  /// What keeps that pod's volumes away; empty for another pod, and while nothing is known.
  std::string why(const std::string& uid) const;

 private:
  void look();
  void looked(const Result<Json>& events);

  EventLoop& loop_;
  kube::Client& client_;
  const Log log_;
  const std::string ns_;
  const std::function<void()> changed_;
  std::string uid_;
  std::string why_;
  bool complained_ = false;
  Cancel call_;
  Cancel timer_;
};

}  // namespace berth::op
