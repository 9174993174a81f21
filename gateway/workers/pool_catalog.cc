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
                  .placement = pool->scaling.placement};
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
  const std::string prefix = key.substr(0, key.find('/') + 1);
  const auto names = [&](std::string_view with_prefix) {
    std::string out;
    int listed = 0;
    for (auto it = pools_.lower_bound(std::string(with_prefix)); it != pools_.end(); ++it) {
      if (!it->first.starts_with(with_prefix)) {
        break;
      }
      if (++listed > kNamesInError) {
        return out + ", ...";
      }
      out += (listed > 1 ? ", " : "") + it->first;
    }
    return out;
  };
  std::string there = names(prefix);
  if (there.empty()) {
    there = names("");
  }
  return Error::make(ErrorCode::kNotFound, "UnknownPool",
                     "there is no pool " + key +
                         (there.empty() ? "; there is none at all" : "; there are: " + there));
}

}  // namespace berth::gateway
