#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/activity/executor.h"

namespace berth::worker {

using EnvironmentMap = std::map<std::string, std::string>;

/// The whole environment of an activity's process, as "NAME=value". Nothing of the worker's own is
/// inherited, so none of its secrets can leak. Later ones win:
///
///  1. PATH (the worker's), HOME and TMPDIR (the session's directory);
///  2. `of_pool`: what the pool's author set for this activity;
///  3. `of_caller`: what the client asked for (exec only);
///  4. BERTH_SESSION_ID, BERTH_ACTIVITY_ID, BERTH_SESSION_DIR, BERTH_ACTIVITY (marker.h), and
///  BERTH_PROGRESS_FD=3
///     where there is a pipe for progress.
std::vector<std::string> make_environment(const ActivityTask& task, const std::string& path,
                                          const EnvironmentMap& of_pool,
                                          const EnvironmentMap& of_caller, bool with_progress);

/// Reads {"NAME": "value", ...} from a client. Refused with the field's name: what is no variable
/// name, BERTH_*, values with NUL, more than 256 variables or 64 KiB in all.
Result<EnvironmentMap> parse_caller_environment(const Json& object, const std::string& field);

}  // namespace berth::worker
