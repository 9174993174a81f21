#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "berth/client/client.h"
#include "examples/file-processing/pipeline.h"

namespace file_processing {

/// A pool as GET /v1/pools tells.
struct PoolView {
  std::int64_t workers = 0;
  std::int64_t slots = 0;
  std::int64_t used = 0;
  std::int64_t free = 0;
  std::int64_t waiting = 0;
};
/// Nothing if the gateway does not answer or has no such pool.
std::optional<PoolView> look_at(const berth::client::Client& client, const std::string& pool);

/// Shows how far the run is: a few lines redrawn in place on a terminal, else a plain line now and
/// then. Has a thread.
class Progress {
 public:
  Progress(const berth::client::Client& client, std::string pool, std::function<Tally()> tally);
  ~Progress();
  void stop();
  std::int64_t peak_workers() const { return peak_workers_; }
  /// Shows the pool alone until it has no worker, at most `limit`. True if it got there.
  bool watch_until_empty(std::chrono::seconds limit);

 private:
  void run(const std::stop_token& stop);
  void show(const Tally& tally, const PoolView& pool, bool last);

  const berth::client::Client& client_;
  const std::string pool_;
  const std::function<Tally()> tally_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::atomic<std::int64_t> peak_workers_ = 0;
  std::string last_line_;
  int drawn_ = 0;
  std::jthread thread_;
};

}  // namespace file_processing
