#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/settings/settings.h"

/// `berth pool ...`, over the Kubernetes API: the same objects that kubectl shows.
namespace berth::cli {

int pool_list(const Flags& flags, const std::string& output);
int pool_describe(const Flags& flags, const std::string& name);

/// `count` workers, fixed; empty: back to automatic (`--auto`).
int pool_scale(const Flags& flags, const std::string& name, std::optional<std::int64_t> count);

}  // namespace berth::cli
