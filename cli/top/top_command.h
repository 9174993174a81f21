#pragma once

#include "cli/settings/settings.h"

namespace berth::cli {

/// `berth top`: pools and their workers as the gateway sees them, redrawn every `interval_seconds`
/// on a terminal, printed once otherwise. Ctrl-C ends it.
int top(const Flags& flags, double interval_seconds, bool once);

/// The table for one answer of GET /v1/pools.
std::string top_text(const Json& pools);

}  // namespace berth::cli
