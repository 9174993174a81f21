#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "berth/base/clock.h"
#include "berth/base/error.h"

namespace berth::worker {

/// Kills what an activity of an earlier worker process left behind, before its slot may be trusted
/// again. For start-up: it blocks, normally for a few milliseconds.
///
/// `marker` is activity_marker() of the activity and decides alone who is killed: every process
/// that carries it (in its environment or as limit mark), the descendants of these, and the rest of
/// `process_group` (as journaled; 0: unknown) if a marked process is still in it. A stranger that
/// has since got the number of the group is left alone.
///
/// Returns how many were killed. kUnavailable "ProcessesLeft" if some are still there after
/// `patience`.
Result<std::size_t> kill_leftovers(int process_group, const std::string& marker,
                                   Duration patience = std::chrono::seconds(5));

}  // namespace berth::worker
