#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/observe/log.h"
#include "gateway/workers/worker_client.h"

namespace berth::gateway {

/// Keeps one long poll of its slots open to every worker, whatever state its pod is in, and tells what it hears.
/// A worker that cannot be heard is asked again with backoff, at once when its pod changes. Loop thread only.
class SlotsWatcher {
 public:
  struct Settings {
    std::chrono::seconds wait{25};
    Backoff::Settings backoff{.initial = std::chrono::milliseconds(100),
                              .max = std::chrono::seconds(5)};
    /// Workers beyond it stay unread and so count as full; each open poll is a connection.
    std::size_t max_workers = 10'000;
  };
  struct Events {
    std::function<void(const api::WorkerUid&, api::Slots)> heard;
    std::function<void(const api::WorkerUid&, const Error&)> unreadable;
  };

  SlotsWatcher(EventLoop& loop, WorkerClient& client, Random& random, Settings settings, Log log,
               Events events);
  ~SlotsWatcher();

  /// Starts, or goes on with the pod as it is now. A pod that is not reachable is not polled.
  void watch(const WorkerPod& pod);
  void forget(const api::WorkerUid& uid);
  std::size_t size() const { return polls_.size(); }

 private:
  struct Poll;
  void ask(Poll& poll);
  void answered(Poll& poll, Result<api::Slots> result);
  void ask_later(Poll& poll);

  EventLoop& loop_;
  WorkerClient& client_;
  Random& random_;
  Settings settings_;
  Log log_;
  Events events_;
  bool over_limit_logged_ = false;
  std::unordered_map<api::WorkerUid, std::unique_ptr<Poll>> polls_;
};

}  // namespace berth::gateway
