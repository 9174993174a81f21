#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/observe/log.h"
#include "gateway/workers/worker_client.h"

namespace berth::gateway {

/// A session that was opened, or may have been, for a caller who may never learn of it.
struct Opened {
  std::string pool_key;
  WorkerPod pod;
  api::SessionId id;
  std::string attempt;  ///< The nonce of the attempt that opened it.
  Duration lease{};     ///< Its heartbeat timeout: by then the worker frees it unasked.
};

/// Returns sessions whose caller has gone. Repeats until the worker answers, or until the session's
/// own lease must have ended it. The nonce makes that harmless: a session in use, or claimed by
/// another attempt, stays. Loop thread only.
class GiveBack {
 public:
  struct Settings {
    Backoff::Settings backoff{.initial = std::chrono::milliseconds(100),
                              .max = std::chrono::seconds(2)};
    std::size_t max_pending = 10'000;  ///< Beyond it the lease alone frees the session.
  };
  /// Runs when the worker has answered, or at the end of the lease.
  using DoneFn = std::function<void()>;

  GiveBack(EventLoop& loop, WorkerClient& client, Random& random, Settings settings, Log log);
  ~GiveBack();

  void start(const Opened& opened);
  std::size_t pending() const { return jobs_.size(); }
  /// `done` runs (posted) as soon as nothing is pending. Replaces an earlier one.
  void when_idle(DoneFn done);

 private:
  struct Job;
  void send(std::uint64_t number, Job& job);
  void answered(std::uint64_t number, Job& job, const Result<http::Response>& result);
  void finish(std::uint64_t number);

  EventLoop& loop_;
  WorkerClient& client_;
  Random& random_;
  Settings settings_;
  Log log_;
  DoneFn idle_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Job>> jobs_;
};

}  // namespace berth::gateway
