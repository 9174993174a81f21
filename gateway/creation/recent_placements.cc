#include "gateway/creation/recent_placements.h"

namespace berth::gateway {

void RecentPlacements::drop_oldest() {
  const Age& oldest = ages_.front();
  const auto it = entries_.find(oldest.key);
  if (it != entries_.end() && it->second.serial == oldest.serial) {
    entries_.erase(it);
  }
  ages_.pop_front();
}

void RecentPlacements::remember(const std::string& key, Entry entry, TimePoint now) {
  entries_[key] = Stored{std::move(entry), ++last_};
  ages_.push_back({now, last_, key});
  while (ages_.size() > max_) {
    drop_oldest();
  }
}

const RecentPlacements::Entry* RecentPlacements::find(const std::string& key, TimePoint now) {
  while (!ages_.empty() && now - ages_.front().at > max_age_) {
    drop_oldest();
  }
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second.entry;
}

}  // namespace berth::gateway
