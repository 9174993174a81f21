#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/settings/settings.h"
#include "cli/text/output.h"

/// `berth pool ...`, over the Kubernetes API: the same objects that kubectl shows.
namespace berth::cli {

int pool_list(const Flags& flags, Output output);
/// As a page for people, JSON or YAML.
int pool_describe(const Flags& flags, const std::string& name, Output output);

/// `count` workers, fixed; empty: back to automatic (`--auto`).
int pool_scale(const Flags& flags, const std::string& name, std::optional<std::int64_t> count);

}  // namespace berth::cli
