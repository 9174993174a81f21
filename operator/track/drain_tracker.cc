#include "operator/track/drain_tracker.h"

#include <algorithm>

namespace berth::op {
namespace {

enum class Stage { kServing, kDraining, kOver };

Stage stage_of(const Worker& w) {
  switch (w.phase()) {
    case WorkerPhase::kCordoned:
    case WorkerPhase::kDraining:
    case WorkerPhase::kRetired:
    case WorkerPhase::kTerminating:
      return Stage::kDraining;
    case WorkerPhase::kFailed:
      return Stage::kOver;
    case WorkerPhase::kUnreadable:
      return w.slots && !w.slots->admits() ? Stage::kDraining : Stage::kServing;
    case WorkerPhase::kStarting:
    case WorkerPhase::kAdmitting:
      break;
  }
  return Stage::kServing;
}

}  // namespace

std::vector<Duration> DrainTracker::update(const std::vector<Worker>& workers, TimePoint now) {
  std::map<std::string, TimePoint> before;
  before.swap(since_);
  for (const Worker& w : workers) {
    const Stage stage = stage_of(w);
    const auto known = before.find(w.uid);
    if (stage == Stage::kDraining) {
      since_[w.uid] = known == before.end() ? now : known->second;
    }
    if (stage != Stage::kOver && known != before.end()) {
      before.erase(known);
    }
  }
  std::vector<Duration> over;
  over.reserve(before.size());
  for (const auto& [uid, since] : before) {
    over.push_back(now - since);
  }
  return over;
}

std::optional<TimePoint> DrainTracker::oldest() const {
  const auto first =
      std::min_element(since_.begin(), since_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return first == since_.end() ? std::nullopt : std::optional(first->second);
}

}  // namespace berth::op
