#include "gateway/workers/pool_catalog.h"

#include <utility>

namespace berth::gateway {
namespace {

constexpr int kNamesInError = 10;

}  // namespace

api::Resources PoolInfo::capacity() const {
  api::Resources out = sessions.resources;
  out[api::kSlot] = sessions.max_per_worker;
  return out;
}

Result<PoolInfo> PoolInfo::from_json(const Json& object) {
  auto pool = api::SessionPool::parse(object);
  if (!pool) {
    return fail(std::move(pool).error());
  }
  return PoolInfo{.ns = std::move(pool->ns),
                  .name = std::move(pool->name),
                  .deleting = pool->deleting,
                  .sessions = std::move(pool->worker.sessions),
                  .placement = pool->scaling.placement,
                  .min_workers = pool->scaling.min_workers,
                  .max_workers = pool->scaling.max_workers,
                  .fixed_workers = pool->workers,
                  .status = PoolStatus::from_json(pool->status)};
}

void PoolCatalog::set(const std::string& key, Ptr now) {
  if (now) {
    pools_[key] = std::move(now);
  } else {
    pools_.erase(key);
  }
}

PoolCatalog::Ptr PoolCatalog::find(const std::string& key) const {
  const auto it = pools_.find(key);
  return it == pools_.end() ? nullptr : it->second;
}

Error PoolCatalog::unknown(const std::string& key) const {
  // A caller may know what is in this namespace; other namespaces' pools are not its business.
  const std::string prefix = key.substr(0, key.find('/') + 1);
  std::string there;
  int listed = 0;
  for (auto it = pools_.lower_bound(prefix); it != pools_.end() && it->first.starts_with(prefix);
       ++it) {
    if (++listed > kNamesInError) {
      there += ", ...";
      break;
    }
    there += (listed > 1 ? ", " : "") + it->first;
  }
  return Error::make(ErrorCode::kNotFound, "UnknownPool",
                     "there is no pool " + key +
                         (there.empty() ? "; this gateway serves none in that namespace"
                                        : "; there are: " + there));
}

}  // namespace berth::gateway
