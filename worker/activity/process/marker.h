#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "berth/api/ids.h"

namespace berth::worker {

/// How a process is known to belong to an activity, whatever it did to get away (setsid, double
/// fork, a cleared environment), and also after a restart of the worker. Each process of an
/// activity carries two marks, inherited by all it starts:
///
///  1. the environment variable BERTH_ACTIVITY, holding the marker as text;
///  2. the same marker, hashed, as the value of a resource limit that has no other effect on it
///  (RLIMIT_RTTIME, a
///     bound on real-time CPU use, here thousands of years). It survives `env -i`, and can be read
///     even where the environment cannot (set-user-id programs, zombies).
///
/// The session's directory is part of the marker because two workers on one host (`berth dev`) may
/// hold sessions of the same name, and neither may take the other's processes for its own.
inline constexpr const char* kMarkerVariable = "BERTH_ACTIVITY";

/// "<session directory>/<activity id>". The directory must be absolute.
std::string activity_marker(const std::filesystem::path& session_directory,
                            const api::ActivityId& activity);

/// The second mark: a prefix common to all of Berth and 48 bits of hash.
std::uint64_t limit_mark(const std::string& marker);
/// True if `limit` was made by limit_mark() from some marker.
bool is_limit_mark(std::uint64_t limit);

/// The limit mark that process `pid` has; nothing if it has none or is gone.
std::optional<std::uint64_t> read_limit_mark(pid_t pid);
/// True if the environment that `pid` was started with holds exactly this marker. False if it
/// cannot be read.
bool has_environment_mark(pid_t pid, const std::string& marker);

}  // namespace berth::worker
