#pragma once

#include <string>

#include "cli/settings/flags.h"
#include "cli/text/output.h"

/// `berth keys ...`: the cluster's control keys, kept in the namespace where operator and gateways
/// run (--gateway-namespace).
namespace berth::cli {

/// Asks the operator for a rotation of `which`: "operator", "gateway" or "all".
int keys_rotate(const Flags& flags, const std::string& which);
/// Where the keys stand, and who holds a rotation up. `output`: table, json or yaml.
int keys_status(const Flags& flags, Output output);

}  // namespace berth::cli
