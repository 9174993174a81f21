#pragma once

#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/json.h"
#include "cli/settings/flags.h"

namespace berth::cli {

struct DrainedPod {
  std::string name;
  std::string uid;
  std::string pool;
  std::string ns;
};

/// Waits until the pods are gone, saying what holds each up. The exit status: 0, kTimedOut at
/// `deadline`, or 1 when the API cannot be asked any more.
int wait_for_drain(const Flags& flags, std::vector<DrainedPod> pods, TimePoint deadline);

/// What a draining worker waits for, in words. `sessions` as the gateway lists those of its pool;
/// null: not known.
std::string waits_for(const DrainedPod& pod, const Json& object, const Json& sessions);

}  // namespace berth::cli
