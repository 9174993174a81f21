#include "worker/activity/environment.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "worker/activity/process/marker.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMaxVariables = 256;
constexpr std::size_t kMaxBytes = 64u << 10;
constexpr std::string_view kReserved = "BERTH_";

bool is_variable_name(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && name.size() <= 255 &&
         std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

std::vector<std::string> make_environment(const ActivityTask& task, const std::string& path,
                                          const EnvironmentMap& of_pool,
                                          const EnvironmentMap& of_caller, bool with_progress) {
  const std::string directory = task.directory.string();
  EnvironmentMap all{{"PATH", path}, {"HOME", directory}, {"TMPDIR", directory}};
  for (const EnvironmentMap* more : {&of_pool, &of_caller}) {
    for (const auto& [name, value] : *more) {
      if (!name.starts_with(kReserved)) {
        all[name] = value;
      }
    }
  }
  all["BERTH_SESSION_ID"] = task.session_id.str();
  all["BERTH_ACTIVITY_ID"] = task.activity_id.str();
  all["BERTH_SESSION_DIR"] = directory;
  all[kMarkerVariable] = activity_marker(task.directory, task.activity_id);
  if (with_progress) {
    all["BERTH_PROGRESS_FD"] = "3";
  }
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& [name, value] : all) {
    out.push_back(name + "=" + value);
  }
  return out;
}

Result<EnvironmentMap> parse_caller_environment(const Json& object, const std::string& field) {
  if (!object.is_object()) {
    return fail(Error::invalid(field, "must be an object of strings"));
  }
  if (object.size() > kMaxVariables) {
    return fail(
        Error::invalid(field, "must have at most " + std::to_string(kMaxVariables) + " variables"));
  }
  EnvironmentMap out;
  std::size_t bytes = 0;
  for (const auto& [name, value] : object.items()) {
    const std::string where = field + "." + name.substr(0, 64);
    if (!is_variable_name(name)) {
      return fail(Error::invalid(where, "is not a name that a variable can have"));
    }
    if (name.starts_with(kReserved)) {
      return fail(Error::invalid(where, "is reserved: BERTH_* is set by the worker"));
    }
    if (!value.is_string() || value.get_ref<const std::string&>().find('\0') != std::string::npos) {
      return fail(Error::invalid(where, "must be a string without NUL"));
    }
    bytes += name.size() + value.get_ref<const std::string&>().size() + 2;
    out[name] = value.get<std::string>();
  }
  if (bytes > kMaxBytes) {
    return fail(
        Error::invalid(field, "must be at most " + std::to_string(kMaxBytes) + " bytes in all"));
  }
  return out;
}

}  // namespace berth::worker
