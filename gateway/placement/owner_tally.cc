#include "gateway/placement/owner_tally.h"

#include <algorithm>
#include <utility>

namespace berth::gateway {

void OwnerTally::add(const std::string& pool_key, const std::string& owner, std::int64_t count) {
  const auto it = totals_.try_emplace(pool_key + "/" + owner).first;
  it->second += count;
  if (it->second == 0) {
    totals_.erase(it);
  }
}

void OwnerTally::told(const std::string& pool_key, const api::WorkerUid& uid,
                      const Owners& owners) {
  // What it was given before it spoke is in its word, or will be in the next: it opens a session
  // before it answers, and speaks within 20 ms.
  std::erase_if(fresh_, [&](const Fresh& one) { return one.uid == uid; });
  if (owners.empty()) {
    forget(uid);
    return;
  }
  Worker& worker = workers_[uid];
  for (const auto& [owner, count] : worker.owners) {
    add(worker.pool_key, owner, -count);
  }
  worker = {pool_key, owners};
  for (const auto& [owner, count] : owners) {
    add(pool_key, owner, count);
  }
}

void OwnerTally::forget(const api::WorkerUid& uid) {
  const auto node = workers_.extract(uid);
  if (!node.empty()) {
    for (const auto& [owner, count] : node.mapped().owners) {
      add(node.mapped().pool_key, owner, -count);
    }
  }
}

void OwnerTally::opened(const std::string& pool_key, const api::WorkerUid& uid,
                        const std::string& owner) {
  fresh_.push_back({clock_.now() + settle_time_, pool_key, uid, owner});
}

std::int64_t OwnerTally::open(const std::string& pool_key, const std::string& owner) {
  while (!fresh_.empty() && fresh_.front().until <= clock_.now()) {
    fresh_.pop_front();
  }
  const auto it = totals_.find(pool_key + "/" + owner);
  return (it == totals_.end() ? 0 : it->second) +
         std::ranges::count_if(fresh_, [&](const Fresh& one) {
           return one.owner == owner && one.pool_key == pool_key;
         });
}

}  // namespace berth::gateway
