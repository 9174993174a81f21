#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>

#include "berth/api/ids.h"
#include "berth/base/clock.h"

namespace berth::gateway {

/// How many sessions each owner has in a pool, for `sessions.limits.maxPerOwner`: what the pool's
/// workers told last (api::Slots::owners), plus what this gateway opened a moment ago and they have
/// not told yet.
///
/// Approximate, on purpose: replicas share no state, so two of them that hear of each other's
/// sessions only through the workers may together open a few too many, as many as they place for
/// one owner within the 20 to 50 ms that a worker's word takes. From then on both refuse. Each
/// worker holds the limit for itself exactly, so a pool of one worker has no such gap. A worker
/// that cannot be heard counts with its last word. Bounded by what workers tell (1,000 owners
/// each). Loop thread only.
class OwnerTally {
 public:
  OwnerTally(const Clock& clock, Duration settle_time = std::chrono::milliseconds(50))
      : clock_(clock), settle_time_(settle_time) {}

  using Owners = std::map<std::string, std::int64_t>;  ///< By auth::owner_key().

  /// A worker's word: replaces its last one.
  void told(const std::string& pool_key, const api::WorkerUid& uid, const Owners& owners);
  void forget(const api::WorkerUid& uid);
  /// This gateway has opened one there.
  void opened(const std::string& pool_key, const api::WorkerUid& uid, const std::string& owner);

  std::int64_t open(const std::string& pool_key, const std::string& owner);

 private:
  struct Worker {
    std::string pool_key;
    Owners owners;
  };
  struct Fresh {
    TimePoint until;
    std::string pool_key;
    api::WorkerUid uid;
    std::string owner;
  };
  void add(const std::string& pool_key, const std::string& owner, std::int64_t count);

  const Clock& clock_;
  Duration settle_time_;
  std::unordered_map<api::WorkerUid, Worker> workers_;
  std::unordered_map<std::string, std::int64_t> totals_;  ///< By pool key, '/', owner.
  std::deque<Fresh> fresh_;                               ///< Oldest first.
};

}  // namespace berth::gateway
