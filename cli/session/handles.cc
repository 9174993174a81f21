#include "cli/session/handles.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "berth/base/duration.h"
#include "berth/base/file.h"
#include "berth/base/json.h"
#include "cli/settings/settings.h"

namespace berth::cli {
namespace {

namespace fs = std::filesystem;
constexpr auto kKept = std::chrono::hours(24 * 7);

Result<fs::path> sessions_dir() {
  BERTH_ASSIGN(const fs::path base, state_dir());
  const fs::path dir = base / "sessions";
  std::error_code failure;
  fs::create_directories(dir, failure);
  if (failure) {
    return fail(Error::from_errno(failure.value(), "creating " + dir.string()));
  }
  return dir;
}

Result<fs::path> file_of(const std::string& id) {
  BERTH_TRY(api::check_id(id, "session"));
  BERTH_ASSIGN(const fs::path dir, sessions_dir());
  return dir / (id + ".json");
}

void sweep(const fs::path& dir) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    if (fs::file_time_type::clock::now() - entry.last_write_time(ignored) > kKept) {
      fs::remove(entry.path(), ignored);
    }
  }
}

}  // namespace

Status save_session(const SavedSession& s) {
  BERTH_ASSIGN(const fs::path file, file_of(s.handle.id));
  sweep(file.parent_path());
  const Json json = {{"namespace", s.handle.ns},
                     {"pool", s.handle.pool},
                     {"worker", s.handle.worker},
                     {"address", s.handle.address},
                     {"id", s.handle.id},
                     {"token", s.handle.token},
                     {"heartbeatTimeout", format_duration(s.handle.heartbeat_timeout)},
                     {"recreateToken", s.recreate_token}};
  return write_file_atomic(file, dump_json(json) + "\n", 0600);
}

Result<SavedSession> load_session(const std::string& id) {
  BERTH_ASSIGN(const fs::path file, file_of(id));
  const Result<std::string> text = read_file(file, 65536);
  if (!text) {
    return fail(Error::make(
        ErrorCode::kNotFound, "SessionNotFound",
        "there is no session " + id +
            " that `berth session create` of this user opened and nobody completed (looked for " +
            file.string() + ")"));
  }
  BERTH_ASSIGN(const Json json, parse_json(*text));
  SavedSession s;
  FieldReader r(json, "");
  r.allow_unknown();
  r.required("namespace", s.handle.ns);
  r.required("pool", s.handle.pool);
  r.required("worker", s.handle.worker);
  r.required("address", s.handle.address);
  r.required("id", s.handle.id);
  r.required("token", s.handle.token);
  r.duration("heartbeatTimeout", s.handle.heartbeat_timeout, std::chrono::milliseconds(1),
             std::chrono::hours(24));
  r.optional("recreateToken", s.recreate_token);
  BERTH_TRY(r.finish());
  return s;
}

std::vector<std::string> saved_sessions() {
  std::vector<std::string> ids;
  const Result<fs::path> dir = sessions_dir();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir ? *dir : fs::path(), ignored)) {
    const std::string id = entry.path().stem().string();
    if (entry.path().extension() == ".json" && api::check_id(id, "session")) {
      ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void forget_session(const std::string& id) {
  if (const Result<fs::path> file = file_of(id)) {
    std::error_code ignored;
    fs::remove(*file, ignored);
  }
}

}  // namespace berth::cli
