#pragma once

#include <cstdint>
#include <vector>

#include "berth/api/resources.h"

namespace berth::op {

/// Room in one worker.
struct Room {
  api::Resources capacity;
  api::Resources used;
};

/// What has to find room, in order of importance.
struct Ask {
  /// Waiting sessions, each with its slot ("session": 1), each such that an empty worker holds it.
  std::vector<api::Resources> sessions;
  std::int64_t free_slots = 0;  ///< Slots that stay free on top.
};

/// How many empty workers of `fresh` capacity are needed besides `rooms`. First fit: each ask goes
/// into the first room with space, existing rooms in the given order before new ones. Not optimal
/// (that is bin packing), but what the gateway's placement will really do. Stops at `max_new` new
/// workers.
std::int64_t first_fit(std::vector<Room> rooms, const api::Resources& fresh, const Ask& ask,
                       std::int64_t max_new);

}  // namespace berth::op
