#pragma once

#include <string>

#include "cli/settings/settings.h"
#include "cli/text/output.h"

namespace berth::cli {

/// `berth sessions`: those of one pool; `pool` empty: of all pools of the namespace, or of every
/// namespace. What could not be read is said on stderr, and makes the status 1.
int sessions(const Flags& flags, const std::string& pool, bool all_namespaces, Output output);

/// The table for sessions as the gateway gives them, each with the members "namespace" and "pool"
/// besides. `many`: of more than one pool.
Table sessions_table(const Json& sessions, bool many, bool wide);

}  // namespace berth::cli
