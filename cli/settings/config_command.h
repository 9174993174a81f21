#pragma once

#include "cli/settings/settings.h"

namespace berth::cli {

/// `berth config`: what a command would use, one thing a line. With `check` it also connects and
/// asks the gateway for its pools.
int config(const Flags& flags, bool check);

/// Its text.
std::string config_text(const Flags& flags, const Target& target);

}  // namespace berth::cli
