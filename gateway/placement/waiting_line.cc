#include "gateway/placement/waiting_line.h"

#include <algorithm>
#include <utility>

namespace berth::gateway {

WaitingLine::WaitingLine(Limits limits, std::function<void(std::size_t)> on_change)
    : limits_(limits), on_change_(std::move(on_change)) {}

Status WaitingLine::room_for(const api::Resources& shape) const {
  const auto it = shapes_.find(shape);
  const bool full = it == shapes_.end() ? shapes_.size() >= limits_.max_shapes
                                        : it->second.count >= limits_.max_per_shape;
  if (!full) {
    return {};
  }
  auto error = Error::make(ErrorCode::kResourceExhausted, "LineFull",
                           "too many requests wait for a slot of this pool; try again later");
  error.retry_after = std::chrono::seconds(1);
  return fail(std::move(error));
}

void WaitingLine::join(const Place& place) {
  const std::uint64_t number = place.number;
  const auto joined = by_number_.try_emplace(number, place);
  if (!joined.second) {
    return;
  }
  Place& placed = joined.first->second;
  Shape& shape = shapes_[placed.shape];
  ++shape.count;
  if (placed.present) {
    shape.present.emplace(number, &placed);
  }
  on_change_(size());
}

void WaitingLine::erase(std::uint64_t number) {
  const auto it = by_number_.find(number);
  const auto shape = shapes_.find(it->second.shape);
  shape->second.present.erase(number);
  if (--shape->second.count == 0) {
    shapes_.erase(shape);
  }
  by_number_.erase(it);
}

void WaitingLine::leave(std::uint64_t number) {
  if (by_number_.contains(number)) {
    erase(number);
    on_change_(size());
  }
}

void WaitingLine::set_present(std::uint64_t number, bool present) {
  const auto it = by_number_.find(number);
  if (it == by_number_.end() || it->second.present == present) {
    return;
  }
  it->second.present = present;
  Shape& shape = shapes_.at(it->second.shape);
  if (present) {
    shape.present.emplace(number, &it->second);
  } else {
    shape.present.erase(number);
  }
}

void WaitingLine::offer(const std::function<Taken(const Place&)>& offer) {
  struct Cursor {
    std::map<std::uint64_t, Place*>::const_iterator next, end;
  };
  std::vector<Cursor> cursors;
  for (const auto& [_, shape] : shapes_) {
    cursors.push_back({shape.present.begin(), shape.present.end()});
  }
  std::vector<std::uint64_t> taken;
  while (true) {
    std::erase_if(cursors, [](const Cursor& c) { return c.next == c.end; });
    if (cursors.empty()) {
      break;
    }
    const auto first = std::ranges::min_element(
        cursors, {}, [](const Cursor& c) -> std::uint64_t { return c.next->first; });
    const Place& place = *first->next->second;
    switch (offer(place)) {
      case Taken::kTaken:
        taken.push_back(place.number);
        ++first->next;
        break;
      case Taken::kPassOn:
        ++first->next;
        break;
      case Taken::kFitsNowhere:
        first->next = first->end;
        break;
    }
  }
  for (const std::uint64_t number : taken) {
    erase(number);
  }
  if (!taken.empty()) {
    on_change_(size());
  }
}

bool WaitingLine::anybody_present(const api::Resources& shape) const {
  const auto it = shapes_.find(shape);
  return it != shapes_.end() && !it->second.present.empty();
}

std::optional<TimePoint> WaitingLine::oldest() const {
  return by_number_.empty() ? std::nullopt : std::optional(by_number_.begin()->second.arrived);
}

std::vector<api::Waiting> WaitingLine::list(TimePoint now, std::size_t max) const {
  std::vector<api::Waiting> out;
  out.reserve(std::min(max, size()));
  for (const auto& [_, place] : by_number_) {
    if (out.size() == max) {
      break;
    }
    out.push_back({place.id, place.shape, now - place.arrived});
  }
  return out;
}

}  // namespace berth::gateway
