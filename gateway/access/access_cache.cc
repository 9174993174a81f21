#include "gateway/access/access_cache.h"

#include <utility>

namespace berth::gateway {

AccessCache::Entry* AccessCache::Room::find(const std::string& key) {
  const auto it = by_key.find(key);
  if (it == by_key.end()) {
    return nullptr;
  }
  entries.splice(entries.begin(), entries, it->second);
  return &entries.front();
}

void AccessCache::Room::erase(const std::string& key) {
  if (const auto it = by_key.find(key); it != by_key.end()) {
    entries.erase(it->second);
    by_key.erase(it);
  }
}

void AccessCache::Room::put(Entry entry, std::size_t max) {
  erase(entry.key);
  entries.push_front(std::move(entry));
  by_key[entries.front().key] = entries.begin();
  while (entries.size() > max) {
    by_key.erase(entries.back().key);
    entries.pop_back();
  }
}

// By the wall clock, in whose terms the token was issued.
bool AccessCache::ended(const Entry& entry) const {
  return entry.expires && clock_.wall_now() >= *entry.expires;
}

void AccessCache::store(const std::string& key, AccessVerdict verdict,
                        std::optional<WallTime> expires) {
  const bool allowed = verdict.has_value();
  (allowed ? refused_ : allowed_).erase(key);
  (allowed ? allowed_ : refused_)
      .put({key, std::move(verdict), clock_.now(), expires}, settings_.max_entries);
}

const AccessVerdict* AccessCache::fresh(const std::string& key) {
  const TimePoint now = clock_.now();
  if (const Entry* entry = allowed_.find(key)) {
    const bool good = now - entry->checked < settings_.allowed_for && !ended(*entry);
    return good ? &entry->verdict : nullptr;
  }
  if (const Entry* entry = refused_.find(key)) {
    return now - entry->checked < settings_.refused_for ? &entry->verdict : nullptr;
  }
  return nullptr;
}

const Identity* AccessCache::stale(const std::string& key) {
  const Entry* entry = allowed_.find(key);
  const bool good =
      entry != nullptr && !ended(*entry) && clock_.now() - entry->checked < settings_.stale_for;
  return good ? &*entry->verdict : nullptr;
}

}  // namespace berth::gateway
