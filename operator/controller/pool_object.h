#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/session_pool.h"
#include "operator/scaling/schedule.h"

namespace berth::op {

/// A pool as it was read: the object, and what parsing made of it.
struct PoolObject {
  std::string name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::vector<std::string> finalizers;
  Json status;
  std::string revision;  ///< Of `pool`, for the pods that are up to date.
  /// Null: `error` says why. A pool that is being deleted always has one: of a spec that cannot be
  /// read nothing is needed but the default drain policy.
  std::shared_ptr<const api::SessionPool> pool;
  std::shared_ptr<const ScheduleBook> schedules;  ///< Null: none.
  std::optional<Error> error;

  static std::optional<PoolObject> from(const Json& object);
};

}  // namespace berth::op
