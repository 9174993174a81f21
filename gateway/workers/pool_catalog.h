#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/session_pool.h"
#include "gateway/workers/pool_status.h"

namespace berth::gateway {

/// What the gateway keeps of a SessionPool.
struct PoolInfo {
  std::string ns;
  std::string name;
  bool deleting = false;
  api::SessionsSpec sessions;
  api::Placement placement = api::Placement::kPacked;
  std::int64_t min_workers = 0;
  std::int64_t max_workers = 0;
  std::optional<std::int64_t> fixed_workers;  ///< Set: the autoscaler is off.
  PoolStatus status;

  /// What one worker made from this spec offers, slots included.
  api::Resources capacity() const;
  static Result<PoolInfo> from_json(const Json& object);
};

/// The pools that exist, by "namespace/name". Loop thread only.
class PoolCatalog {
 public:
  using Ptr = std::shared_ptr<const PoolInfo>;

  /// `now` null removes.
  void set(const std::string& key, Ptr now);
  Ptr find(const std::string& key) const;
  const std::map<std::string, Ptr>& all() const { return pools_; }
  /// kNotFound "UnknownPool", naming up to ten pools of that namespace.
  Error unknown(const std::string& key) const;

 private:
  std::map<std::string, Ptr> pools_;
};

}  // namespace berth::gateway
