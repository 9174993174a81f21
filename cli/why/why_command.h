#pragma once

#include <string>

#include "berth/base/clock.h"
#include "cli/settings/settings.h"
#include "cli/text/output.h"

namespace berth::cli {

/// `berth why POOL`: the operator's last decision and what it came from, in words.
int why(const Flags& flags, const std::string& pool, Output output);

/// What `why` is told about a pool: the objects as the API server gives them.
struct PoolFacts {
  Json pool;
  Json pods;    ///< Items of the list of its worker pods.
  Json events;  ///< Items of the list of events about it.
};
std::string why_text(const PoolFacts& facts, WallTime now);
/// The same for programs: decision, inputs, limits, conditions, held workers, events.
Json why_data(const PoolFacts& facts);

}  // namespace berth::cli
