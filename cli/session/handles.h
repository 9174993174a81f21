#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/error.h"
#include "berth/client/client.h"

namespace berth::cli {

/// A session that a `berth` command left open, as other commands find it by its id: <state
/// dir>/sessions/<id>.json, readable by its user only, since the token in it is all that is needed
/// to use the session.
struct SavedSession {
  client::SessionHandle handle;
  std::string recreate_token;
};

Status save_session(const SavedSession& session);
/// Errors name the id and where it was looked for. Also sweeps files older than a week.
Result<SavedSession> load_session(const std::string& id);
/// Ids of those that can be loaded, sorted.
std::vector<std::string> saved_sessions();
void forget_session(const std::string& id);

}  // namespace berth::cli
