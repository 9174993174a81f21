#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "berth/api/session.h"
#include "gateway/placement/owner_tally.h"
#include "gateway/workers/pool_catalog.h"

namespace berth::gateway {

/// `sessions.limits.maxPerOwner` for the requests of this gateway: an owner's open sessions
/// (OwnerTally) and its requests that wait or are on their way to a worker. Loop thread only.
class OwnerLimit {
 public:
  explicit OwnerLimit(OwnerTally& open) : open_(open) {}

  /// What an owner's requests are counted under; empty in a pool without the limit, and then
  /// nothing is counted.
  static std::string key(const PoolInfo& pool, const std::string& owner);

  /// 429 "OwnerLimit" if a request that comes now would be one too many.
  Status check_new(const PoolInfo& pool, const api::CreateSession& request,
                   const std::string& key) const;
  /// The same for one that was let in before: replicas may have opened sessions meanwhile.
  Status check_waiting(const PoolInfo& pool, const api::CreateSession& request,
                       const std::string& key) const;

  /// A request was let in, and has ended.
  void enter(const std::string& pool_key, const std::string& key);
  void leave(const std::string& pool_key, const std::string& key);

 private:
  Status check(const PoolInfo& pool, const api::CreateSession& request, const std::string& key,
               std::int64_t asked_for) const;

  OwnerTally& open_;
  std::unordered_map<std::string, std::int64_t> asked_for_;  ///< By pool key, '/', owner key.
};

}  // namespace berth::gateway
