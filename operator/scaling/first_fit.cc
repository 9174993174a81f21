#include "operator/scaling/first_fit.h"

#include <algorithm>

namespace berth::op {
namespace {

std::int64_t free_slots(const Room& room) {
  const auto capacity = room.capacity.find(api::kSlot);
  const auto used = room.used.find(api::kSlot);
  const std::int64_t total = capacity == room.capacity.end() ? 0 : capacity->second;
  return std::max<std::int64_t>(0, total - (used == room.used.end() ? 0 : used->second));
}

// Sessions that want the same come in long runs (a burst of plain sessions); the first room that
// had no space for a shape cannot have space for it later, so each run goes on where it stopped.
class Packer {
 public:
  Packer(std::vector<Room>& rooms, const api::Resources& fresh, std::int64_t max_new)
      : rooms_(rooms), fresh_(fresh), max_new_(max_new) {}

  bool place(const api::Resources& session) {
    if (session != shape_) {
      shape_ = session;
      at_ = 0;
    }
    for (; at_ < rooms_.size(); ++at_) {
      if (api::fits(rooms_[at_].capacity, rooms_[at_].used, session)) {
        api::add_to(rooms_[at_].used, session);
        return true;
      }
    }
    if (new_workers_ >= max_new_) {
      return false;
    }
    ++new_workers_;
    rooms_.push_back(Room{fresh_, session});
    return true;
  }
  std::int64_t new_workers() const { return new_workers_; }

 private:
  std::vector<Room>& rooms_;
  const api::Resources& fresh_;
  const std::int64_t max_new_;
  std::int64_t new_workers_ = 0;
  api::Resources shape_;
  std::size_t at_ = 0;
};

}  // namespace

std::int64_t first_fit(std::vector<Room> rooms, const api::Resources& fresh, const Ask& ask,
                       std::int64_t max_new) {
  Packer packer(rooms, fresh, max_new);
  for (const api::Resources& session : ask.sessions) {
    if (!packer.place(session)) {
      break;
    }
  }
  std::int64_t free = 0;
  for (const Room& room : rooms) {
    free += free_slots(room);
  }
  std::int64_t new_workers = packer.new_workers();
  const std::int64_t per_worker = free_slots(Room{fresh, {}});
  if (free < ask.free_slots && per_worker > 0) {
    const std::int64_t missing = ask.free_slots - free;
    new_workers += (missing + per_worker - 1) / per_worker;
  }
  return std::min(new_workers, max_new);
}

}  // namespace berth::op
