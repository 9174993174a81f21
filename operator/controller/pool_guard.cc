#include "operator/controller/pool_guard.h"

#include <algorithm>

#include "operator/apply/write_backoff.h"

namespace berth::op {
namespace {

constexpr Duration kAfterConflict = std::chrono::seconds(1);

bool has_finalizer(const PoolObject& pool) {
  return std::find(pool.finalizers.begin(), pool.finalizers.end(), api::kPoolFinalizer) !=
         pool.finalizers.end();
}

}  // namespace

PoolGuard::PoolGuard(EventLoop& loop, kube::Client& client, Random& random, Log log, Hooks hooks)
    : loop_(loop),
      client_(client),
      log_(std::move(log)),
      hooks_(std::move(hooks)),
      backoff_(kWriteBackoff, random) {}

bool PoolGuard::hold(const PoolObject& pool) {
  if (has_finalizer(pool)) {
    held_uid_.clear();
    return true;
  }
  if (held_uid_ == pool.uid) {
    return true;
  }
  std::vector<std::string> finalizers = pool.finalizers;
  finalizers.emplace_back(api::kPoolFinalizer);
  patch(pool, std::move(finalizers));
  return false;
}

void PoolGuard::release(const PoolObject& pool) {
  if (!has_finalizer(pool)) {
    return;
  }
  std::vector<std::string> finalizers = pool.finalizers;
  std::erase(finalizers, api::kPoolFinalizer);
  patch(pool, std::move(finalizers));
}

// The list is replaced as a whole, so it must be the one that we read.
void PoolGuard::patch(const PoolObject& pool, std::vector<std::string> finalizers) {
  if (busy_ || !hooks_.may_write()) {
    return;
  }
  busy_ = true;
  const bool holds =
      std::find(finalizers.begin(), finalizers.end(), api::kPoolFinalizer) != finalizers.end();
  const Json body = {{"metadata",
                      {{"uid", pool.uid},
                       {"resourceVersion", pool.resource_version},
                       {"finalizers", std::move(finalizers)}}}};
  call_ = client_.merge_patch(kube::kSessionPools, pool.ns, pool.name, body, "",
                              [this, holds, uid = pool.uid](Result<Json> r) {
                                call_.release();
                                if (!r) {
                                  failed(r.error());
                                  return;
                                }
                                busy_ = false;
                                backoff_.reset();
                                held_uid_ = holds ? uid : "";
                                hooks_.changed();
                              });
}

void PoolGuard::failed(const Error& error) {
  // The cache lags behind; what it shows next may be written at once.
  busy_ = error.code != ErrorCode::kConflict && error.code != ErrorCode::kNotFound;
  if (error.code == ErrorCode::kNotFound) {
    return;
  }
  if (busy_) {
    log_.warn("writing the pool's finalizer failed", {{"error", error}});
  }
  retry_ = loop_.call_after(busy_ ? backoff_.next(error) : kAfterConflict, [this] {
    busy_ = false;
    hooks_.changed();
  });
}

}  // namespace berth::op
