#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/control/slots_poller.h"
#include "berth/http/transport.h"
#include "berth/observe/log.h"
#include "gateway/workers/worker_pod.h"

namespace berth::gateway {

/// Keeps one control::SlotsPoller on every worker, whatever state its pod is in, and tells what
/// they hear. Loop thread only; all references must outlive it.
class SlotsWatcher {
 public:
  struct Settings {
    control::SlotsPoller::Settings poll;
    /// Workers beyond it stay unread and so count as full; each open poll is a connection.
    std::size_t max_workers = 10'000;
  };
  struct Events {
    std::function<void(const api::WorkerUid&, api::Slots)> heard;
    /// The last poll failed. Runs once, until the worker is heard again.
    std::function<void(const api::WorkerUid&)> unreadable;
  };

  SlotsWatcher(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
               Random& random, Settings settings, Log log, Events events);
  ~SlotsWatcher();

  /// Starts, or goes on with the pod as it is now: one that moved, or became ready while polls
  /// failed, is asked at once. A pod that is not reachable is not polled.
  void watch(const WorkerPod& pod);
  void forget(const api::WorkerUid& uid);
  std::size_t size() const { return watched_.size(); }

 private:
  struct Watched;
  void start(Watched& watched);
  void changed(Watched& watched);

  EventLoop& loop_;
  http::Transport& transport_;
  auth::TokenSigner& signer_;
  Random& random_;
  Settings settings_;
  Log log_;
  Events events_;
  bool over_limit_logged_ = false;
  std::unordered_map<api::WorkerUid, std::unique_ptr<Watched>> watched_;
};

}  // namespace berth::gateway
