#include <algorithm>
#include <charconv>

#include "berth/api/worker_config.h"
#include "berth/base/duration.h"
#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

constexpr std::size_t kMaxActivities = 100;
constexpr std::size_t kMaxArguments = 256;
constexpr std::size_t kMaxArgumentBytes = 128 << 10;  // Linux MAX_ARG_STRLEN.
constexpr std::size_t kMaxVariables = 256;
constexpr std::size_t kMaxUrlBytes = 2048;

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// Only the pod itself: the worker must not become a way to call other machines.
bool is_loopback_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const bool printable = std::all_of(
      url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '\\'; });
  if (!printable || url.size() > kMaxUrlBytes || !url.starts_with(kScheme)) {
    return false;
  }
  url.remove_prefix(kScheme.size());
  for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
    if (!url.starts_with(host)) {
      continue;
    }
    const std::string_view rest = url.substr(host.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    return authority.empty() || (authority[0] == ':' && is_port(authority.substr(1)));
  }
  return false;
}

void read_url(FieldReader& r, std::string_view key, std::string& out) {
  r.optional(key, out);
  if (!out.empty() && !is_loopback_url(out)) {
    r.error(key,
            "must be a URL in the same pod: http://127.0.0.1, http://localhost or http://[::1], "
            "with an optional port and path, is '" +
                out.substr(0, 128) + "'");
  }
}

Status read_http(const Json& http, const std::string& path, ActivitySpec& out) {
  FieldReader r(http, path);
  read_url(r, "url", out.http_url);
  if (out.http_url.empty()) {
    r.error("url", "is required");
  }
  read_url(r, "cancelUrl", out.http_cancel_url);
  return r.finish();
}

Status read_command(const Json& command, const std::string& path, std::vector<std::string>& out) {
  if (command.empty() || command.size() > kMaxArguments) {
    return fail(Error::invalid(path, "must have 1 to " + std::to_string(kMaxArguments) +
                                         " elements, has " + std::to_string(command.size())));
  }
  for (const Json& word : command) {
    const std::string at = path + "[" + std::to_string(out.size()) + "]";
    if (!word.is_string()) {
      return fail(Error::invalid(at, "must be a string; quote numbers and booleans"));
    }
    const auto& text = word.get_ref<const std::string&>();
    if (text.size() >= kMaxArgumentBytes || text.find('\0') != std::string::npos) {
      return fail(Error::invalid(at, "must be shorter than 128 KiB and without NUL bytes"));
    }
    out.push_back(text);
  }
  if (out[0].empty()) {
    return fail(Error::invalid(path + "[0]", "must name a program"));
  }
  return {};
}

Status read_env(const Json& env, const std::string& path, std::map<std::string, std::string>& out) {
  if (env.size() > kMaxVariables) {
    return fail(Error::invalid(path, "must have at most " + std::to_string(kMaxVariables) +
                                         " variables, has " + std::to_string(env.size())));
  }
  for (const auto& [name, value] : env.items()) {
    const std::string at = path + "." + name.substr(0, 128);
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      return fail(Error::invalid(at, "is no variable name: empty, or with '=' or NUL in it"));
    }
    if (!value.is_string()) {
      return fail(Error::invalid(at, "must be a string; quote numbers and booleans"));
    }
    const auto& text = value.get_ref<const std::string&>();
    if (name.size() + text.size() + 2 > kMaxArgumentBytes || text.find('\0') != std::string::npos) {
      return fail(Error::invalid(at, "must be shorter than 128 KiB and without NUL bytes"));
    }
    out.emplace(name, text);
  }
  return {};
}

Status read_limits(const Json& limits, const std::string& path, ActivitySpec& out) {
  FieldReader r(limits, path);
  r.duration("startToCloseTimeout", out.start_to_close_timeout, kMinTimeout, kMaxDuration);
  r.duration("killGrace", out.kill_grace, Duration(0), std::chrono::hours(1));
  r.optional("maxOutputBytes", out.max_output_bytes, 1, std::int64_t{1} << 30);
  const auto of_process = [&](std::string_view key, std::int64_t& value, std::int64_t max) {
    r.optional(key, value, 0, max);
    if (value != 0 && !out.http_url.empty()) {
      r.error(key, "limits a command's processes and has no effect on http; leave it out");
    }
  };
  of_process("maxProcesses", out.max_processes, 1'000'000);
  of_process("maxMemoryBytes", out.max_memory_bytes, kMaxBytes);
  of_process("maxCpuSeconds", out.max_cpu_seconds, 1'000'000'000);
  of_process("maxFileBytes", out.max_file_bytes, kMaxBytes);
  return r.finish();
}

Result<ActivitySpec> parse_one(const Json& entry, const std::string& path) {
  ActivitySpec a;
  FieldReader r(entry, path);
  r.required("name", a.name);
  if (a.name == "exec") {
    r.error("name", "'exec' is reserved; to let clients run commands of their own, set exec: true");
  } else if (!is_activity_name(a.name)) {
    r.error("name", "must be 1 to 63 characters of A-Z, a-z, 0-9, '_', '.' and '-'");
  }
  const Json* command = r.array("command");
  const Json* http = r.object("http");
  const Json* env = r.object("env");
  const Json* limits = r.object("limits");
  BERTH_TRY(r.finish());
  if ((command == nullptr) == (http == nullptr)) {
    return fail(Error::invalid(path, "must have exactly one of command and http"));
  }
  if (command != nullptr) {
    BERTH_TRY(read_command(*command, r.path_of("command"), a.command));
  } else {
    BERTH_TRY(read_http(*http, r.path_of("http"), a));
  }
  if (env != nullptr) {
    if (http != nullptr) {
      return fail(Error::invalid(r.path_of("env"), "goes with command only; leave it out"));
    }
    BERTH_TRY(read_env(*env, r.path_of("env"), a.env));
  }
  if (limits != nullptr) {
    BERTH_TRY(read_limits(*limits, r.path_of("limits"), a));
  }
  return a;
}

Json limits_json(const ActivitySpec& a) {
  Json out = {{"startToCloseTimeout", format_duration(a.start_to_close_timeout)},
              {"killGrace", format_duration(a.kill_grace)},
              {"maxOutputBytes", a.max_output_bytes}};
  const auto unless_zero = [&](const char* key, std::int64_t value) {
    if (value != 0) {
      out[key] = value;
    }
  };
  unless_zero("maxProcesses", a.max_processes);
  unless_zero("maxMemoryBytes", a.max_memory_bytes);
  unless_zero("maxCpuSeconds", a.max_cpu_seconds);
  unless_zero("maxFileBytes", a.max_file_bytes);
  return out;
}

}  // namespace

Result<std::vector<ActivitySpec>> parse_activities(const Json& array, const std::string& path) {
  if (!array.is_array()) {
    return fail(Error::invalid(path, "must be a list"));
  }
  if (array.size() > kMaxActivities) {
    return fail(Error::invalid(path, "must have at most " + std::to_string(kMaxActivities) +
                                         " activities, has " + std::to_string(array.size())));
  }
  std::vector<ActivitySpec> out;
  for (const Json& entry : array) {
    const std::string at = path + "[" + std::to_string(out.size()) + "]";
    BERTH_ASSIGN(ActivitySpec a, parse_one(entry, at));
    if (std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.name == a.name; })) {
      return fail(Error::invalid(at + ".name", "'" + a.name + "' is already used above"));
    }
    out.push_back(std::move(a));
  }
  return out;
}

Json to_json(const std::vector<ActivitySpec>& activities) {
  Json out = Json::array();
  for (const ActivitySpec& a : activities) {
    Json one = {{"name", a.name}, {"limits", limits_json(a)}};
    if (a.http_url.empty()) {
      one["command"] = a.command;
    } else {
      one["http"]["url"] = a.http_url;
      if (!a.http_cancel_url.empty()) {
        one["http"]["cancelUrl"] = a.http_cancel_url;
      }
    }
    if (!a.env.empty()) {
      one["env"] = a.env;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace berth::api
