#include "gateway/placement/worker_table.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace berth::gateway {

struct WorkerTable::Entry : WorkerView {
  std::int64_t indexed_free = 0;  // its key in by_free; 0: not in it
  Cancel pause_ends;
  std::deque<std::pair<TimePoint, api::Resources>> answered;
  Cancel settle_timer;
};

std::string_view WorkerView::state() const {
  if (pod.deleting) {
    return "Terminating";
  }
  if (!slots) {
    return pod.in_service() ? "Unreadable" : "Starting";
  }
  return readable ? to_string(slots->state) : "Unreadable";
}

std::int64_t WorkerView::free_sessions() const {
  if (!pod.in_service() || !readable || paused || !slots || !slots->admits()) {
    return 0;
  }
  const auto amount = [](const api::Resources& r) {
    const auto it = r.find(api::kSlot);
    return it == r.end() ? 0 : it->second;
  };
  return std::max<std::int64_t>(
      0, amount(slots->capacity) - amount(slots->used) - amount(in_flight) - amount(settling));
}

bool WorkerView::fits(const api::Resources& asked) const {
  if (free_sessions() == 0) {
    return false;
  }
  api::Resources used = slots->used;
  api::add_to(used, in_flight);
  api::add_to(used, settling);
  return api::fits(slots->capacity, used, asked);
}

WorkerTable::WorkerTable(EventLoop& loop, Settings settings, OnCapacity on_capacity)
    : loop_(loop), settings_(settings), on_capacity_(std::move(on_capacity)) {}

WorkerTable::~WorkerTable() = default;

WorkerTable::Entry* WorkerTable::lookup(const api::WorkerUid& uid) {
  const auto it = entries_.find(uid);
  return it == entries_.end() ? nullptr : it->second.get();
}

void WorkerTable::unindex(Entry& entry) {
  if (entry.indexed_free == 0) {
    return;
  }
  auto& by_free = pools_.at(entry.pod.pool_key()).by_free;
  const auto group = by_free.find(entry.indexed_free);
  group->second.erase(entry.pod.name);
  if (group->second.empty()) {
    by_free.erase(group);
  }
  entry.indexed_free = 0;
}

void WorkerTable::reindex(Entry& entry) {
  const std::int64_t before = entry.indexed_free;
  const std::int64_t now = entry.free_sessions();
  if (before != now) {
    unindex(entry);
    if (now > 0) {
      pools_.at(entry.pod.pool_key()).by_free[now][entry.pod.name] = &entry;
      entry.indexed_free = now;
    }
  }
}

void WorkerTable::upsert(const WorkerPod& pod) {
  Entry* entry = lookup(pod.uid);
  if (entry != nullptr && entry->pod.pool_key() != pod.pool_key()) {
    remove(pod.uid);  // somebody moved the label
    entry = nullptr;
  }
  if (entry == nullptr) {
    if (const WorkerView* predecessor = find(pod.pool_key(), pod.name)) {
      remove(api::WorkerUid(predecessor->pod.uid));
    }
    entry = entries_.emplace(pod.uid, std::make_unique<Entry>()).first->second.get();
    entry->pod = pod;
    pools_[pod.pool_key()].by_name[pod.name] = entry;
    return;
  }
  const bool moved = entry->pod.origin() != pod.origin();
  unindex(*entry);
  entry->pod = pod;
  if (moved) {
    entry->readable = false;
  }
  reindex(*entry);
  if (entry->indexed_free > 0) {
    on_capacity_(pod.pool_key());
  }
}

void WorkerTable::remove(const api::WorkerUid& uid) {
  const auto it = entries_.find(uid);
  if (it == entries_.end()) {
    return;
  }
  Entry& entry = *it->second;
  unindex(entry);
  const auto pool = pools_.find(entry.pod.pool_key());
  pool->second.by_name.erase(entry.pod.name);
  if (pool->second.by_name.empty()) {
    pools_.erase(pool);
  }
  entries_.erase(it);
}

void WorkerTable::set_slots(const api::WorkerUid& uid, api::Slots slots) {
  Entry* entry = lookup(uid);
  if (entry == nullptr) {
    return;
  }
  const bool news = !entry->slots || entry->slots->incarnation != slots.incarnation ||
                    entry->slots->version != slots.version;
  entry->slots = std::move(slots);
  entry->readable = true;
  if (news) {
    entry->settling.clear();
    entry->answered.clear();
    entry->settle_timer.cancel();
  }
  if (entry->paused && news) {
    entry->paused = false;
    entry->pause_ends.cancel();
  }
  reindex(*entry);
  if (entry->indexed_free > 0) {
    on_capacity_(entry->pod.pool_key());
  }
}

void WorkerTable::set_unreadable(const api::WorkerUid& uid) {
  if (Entry* entry = lookup(uid)) {
    entry->readable = false;
    reindex(*entry);
  }
}

WorkerTable::Entry* WorkerTable::choose(const Pool& pool, const api::Resources& asked,
                                        api::Placement placement,
                                        const std::set<api::WorkerUid>& except) {
  const auto in_group = [&](const std::map<std::string_view, Entry*>& group) -> Entry* {
    for (const auto& [_, entry] : group) {
      if (!except.contains(entry->pod.uid) && entry->fits(asked)) {
        return entry;
      }
    }
    return nullptr;
  };
  if (placement == api::Placement::kPacked) {
    for (const auto& [_, group] : pool.by_free) {
      if (Entry* entry = in_group(group)) {
        return entry;
      }
    }
    return nullptr;
  }
  for (auto it = pool.by_free.rbegin(); it != pool.by_free.rend(); ++it) {
    if (Entry* entry = in_group(it->second)) {
      return entry;
    }
  }
  return nullptr;
}

std::optional<Grant> WorkerTable::grant(const std::string& pool_key, const api::Resources& asked,
                                        api::Placement placement,
                                        const std::set<api::WorkerUid>& except) {
  const auto pool = pools_.find(pool_key);
  if (pool == pools_.end()) {
    return std::nullopt;
  }
  Entry* entry = choose(pool->second, asked, placement, except);
  if (entry == nullptr) {
    return std::nullopt;
  }
  api::add_to(entry->in_flight, asked);
  reindex(*entry);
  return Grant{entry->pod.uid, asked};
}

void WorkerTable::opened(const Grant& grant) {
  Entry* entry = lookup(grant.uid);
  if (entry == nullptr) {
    return;
  }
  api::subtract_from(entry->in_flight, grant.resources);
  api::add_to(entry->settling, grant.resources);
  entry->answered.emplace_back(loop_.clock().now() + settings_.settle_time, grant.resources);
  if (entry->answered.size() == 1) {
    settle(*entry);
  }
}

void WorkerTable::settle(Entry& entry) {
  const TimePoint now = loop_.clock().now();
  bool gained = false;
  while (!entry.answered.empty() && entry.answered.front().first <= now) {
    api::subtract_from(entry.settling, entry.answered.front().second);
    entry.answered.pop_front();
    gained = true;
  }
  reindex(entry);
  if (!entry.answered.empty()) {
    entry.settle_timer =
        loop_.call_at(entry.answered.front().first, [this, &entry] { settle(entry); });
  }
  if (gained && entry.indexed_free > 0) {
    on_capacity_(entry.pod.pool_key());
  }
}

void WorkerTable::refused(const Grant& grant) {
  if (Entry* entry = lookup(grant.uid)) {
    api::subtract_from(entry->in_flight, grant.resources);
    pause(*entry);
  }
}

void WorkerTable::pause(Entry& entry) {
  entry.paused = true;
  entry.pause_ends = loop_.call_after(settings_.refusal_pause, [this, &entry] {
    entry.paused = false;
    reindex(entry);
    if (entry.indexed_free > 0) {
      on_capacity_(entry.pod.pool_key());
    }
  });
  reindex(entry);
}

void WorkerTable::released(const Grant& grant) {
  if (Entry* entry = lookup(grant.uid)) {
    api::subtract_from(entry->in_flight, grant.resources);
    reindex(*entry);
    if (entry->indexed_free > 0) {
      on_capacity_(entry->pod.pool_key());
    }
  }
}

const WorkerView* WorkerTable::find(const api::WorkerUid& uid) const {
  const auto it = entries_.find(uid);
  return it == entries_.end() ? nullptr : it->second.get();
}

const WorkerView* WorkerTable::find(const std::string& pool_key,
                                    const std::string& pod_name) const {
  const auto pool = pools_.find(pool_key);
  if (pool == pools_.end()) {
    return nullptr;
  }
  const auto it = pool->second.by_name.find(pod_name);
  return it == pool->second.by_name.end() ? nullptr : it->second;
}

std::vector<const WorkerView*> WorkerTable::workers(const std::string& pool_key) const {
  std::vector<const WorkerView*> out;
  if (const auto pool = pools_.find(pool_key); pool != pools_.end()) {
    for (const auto& [_, entry] : pool->second.by_name) {
      out.push_back(entry);
    }
  }
  return out;
}

bool WorkerTable::any_has_capacity(const std::string& pool_key, const api::Resources& asked) const {
  for (const WorkerView* view : workers(pool_key)) {
    if (view->slots && api::fits(view->slots->capacity, {}, asked)) {
      return true;
    }
  }
  return false;
}

}  // namespace berth::gateway
