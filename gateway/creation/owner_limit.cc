#include "gateway/creation/owner_limit.h"

#include "berth/auth/owner_key.h"
#include "gateway/workers/worker_pod.h"

namespace berth::gateway {

std::string OwnerLimit::key(const PoolInfo& pool, const std::string& owner) {
  return pool.sessions.max_per_owner > 0 ? auth::owner_key(owner) : std::string();
}

Status OwnerLimit::check_new(const PoolInfo& pool, const api::CreateSession& request,
                             const std::string& key) const {
  if (key.empty()) {
    return {};
  }
  const auto it = asked_for_.find(pool_key(pool.ns, pool.name) + "/" + key);
  return check(pool, request, key, it == asked_for_.end() ? 0 : it->second);
}

Status OwnerLimit::check_waiting(const PoolInfo& pool, const api::CreateSession& request,
                                 const std::string& key) const {
  return check(pool, request, key, 0);
}

Status OwnerLimit::check(const PoolInfo& pool, const api::CreateSession& request,
                         const std::string& key, std::int64_t asked_for) const {
  if (key.empty()) {
    return {};
  }
  const std::string of_pool = pool_key(pool.ns, pool.name);
  const std::int64_t open = open_.open(of_pool, key);
  // A recreate gives up the slot that is held for it, if there is one: the worker knows.
  const std::int64_t given_up = request.recreate_token ? 1 : 0;
  const std::int64_t max = pool.sessions.max_per_owner;
  if (open + asked_for - given_up < max) {
    return {};
  }
  Error error = Error::make(
      ErrorCode::kResourceExhausted, "OwnerLimit",
      request.owner + " has " + std::to_string(open) + " sessions open in pool " + of_pool +
          (asked_for > 0 ? " and asks for " + std::to_string(asked_for) + " more" : "") +
          ", which allows " + std::to_string(max) +
          " per owner (sessions.limits.maxPerOwner); end one and ask again");
  error.retry_after = std::chrono::seconds(1);
  return fail(std::move(error));
}

void OwnerLimit::enter(const std::string& pool_key, const std::string& key) {
  if (!key.empty()) {
    ++asked_for_[pool_key + "/" + key];
  }
}

void OwnerLimit::leave(const std::string& pool_key, const std::string& key) {
  if (key.empty()) {
    return;
  }
  const auto it = asked_for_.find(pool_key + "/" + key);
  if (--it->second == 0) {
    asked_for_.erase(it);
  }
}

}  // namespace berth::gateway
