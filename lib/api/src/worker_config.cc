#include "berth/api/worker_config.h"

#include <algorithm>

#include "berth/api/session_timeouts.h"
#include "berth/base/duration.h"
#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

Status read_limits(const Json& limits, const std::string& path, SessionsSpec& out) {
  FieldReader r(limits, path);
  r.duration("maxCreationTimeout", out.max_creation_timeout, Duration(0), kMaxDuration);
  r.duration("maxExecutionTimeout", out.max_execution_timeout, kMinSessionTimeout, kMaxDuration);
  r.duration("maxHeartbeatTimeout", out.max_heartbeat_timeout, kMinSessionTimeout, kMaxDuration);
  r.duration("idleTimeout", out.idle_timeout, Duration(0), kMaxDuration);
  r.optional("maxPerOwner", out.max_per_owner, 0, 1'000'000);
  r.optional("maxActivitiesPerSession", out.max_activities_per_session, 1, 10'000);
  r.optional("maxDiskBytesPerSession", out.max_disk_bytes_per_session, 0, kMaxBytes);
  r.optional("maxFileBytes", out.max_file_bytes, 1, kMaxBytes);
  return r.finish();
}

// A default that nobody wrote gives way to a lower limit; one that somebody wrote must keep to it.
Status read_defaults(const Json& defaults, const std::string& path, SessionsSpec& out) {
  FieldReader r(defaults, path);
  const auto read = [&](std::string_view key, Duration& value, Duration min, Duration limit,
                        std::string_view limit_name) {
    value = std::min(value, limit);
    r.duration(key, value, min, kMaxDuration);
    if (value > limit) {
      r.error(key, "must be at most limits." + std::string(limit_name) + " (" +
                       format_duration(limit) + "), is " + format_duration(value));
    }
  };
  read("creationTimeout", out.default_creation_timeout, Duration(0), out.max_creation_timeout,
       "maxCreationTimeout");
  read("executionTimeout", out.default_execution_timeout, kMinSessionTimeout,
       out.max_execution_timeout, "maxExecutionTimeout");
  read("heartbeatTimeout", out.default_heartbeat_timeout, kMinSessionTimeout,
       out.max_heartbeat_timeout, "maxHeartbeatTimeout");
  return r.finish();
}

}  // namespace

Status check_session_timeout(std::string_view field, Duration asked, Duration longest) {
  if (asked < kMinSessionTimeout || asked > longest) {
    return fail(Error::invalid(std::string(field),
                               "must be between " + format_duration(kMinSessionTimeout) + " and " +
                                   format_duration(longest) + " in this pool, is " +
                                   format_duration(asked)));
  }
  return {};
}

Result<SessionsSpec> parse_sessions_spec(const Json& object, const std::string& path) {
  SessionsSpec s;
  FieldReader r(object, path);
  r.required("maxPerWorker", s.max_per_worker, 1, 10'000);
  const Json* resources = r.object("resources");
  const Json* defaults = r.object("defaults");
  const Json* limits = r.object("limits");
  BERTH_TRY(r.finish());
  if (resources != nullptr) {
    BERTH_ASSIGN(s.resources, parse_resources(*resources, r.path_of("resources")));
    if (s.resources.contains(kSlot)) {
      return fail(Error::invalid(r.path_of("resources.session"),
                                 "is the slot itself; set maxPerWorker instead"));
    }
  }
  if (limits != nullptr) {
    BERTH_TRY(read_limits(*limits, r.path_of("limits"), s));
  }
  const Json none = Json::object();
  BERTH_TRY(read_defaults(defaults != nullptr ? *defaults : none, r.path_of("defaults"), s));
  return s;
}

Json to_json(const SessionsSpec& s) {
  Json out = {
      {"maxPerWorker", s.max_per_worker},
      {"resources", to_json(s.resources)},
      {"defaults",
       {{"creationTimeout", format_duration(s.default_creation_timeout)},
        {"executionTimeout", format_duration(s.default_execution_timeout)},
        {"heartbeatTimeout", format_duration(s.default_heartbeat_timeout)}}},
      {"limits",
       {{"maxCreationTimeout", format_duration(s.max_creation_timeout)},
        {"maxExecutionTimeout", format_duration(s.max_execution_timeout)},
        {"maxHeartbeatTimeout", format_duration(s.max_heartbeat_timeout)},
        {"idleTimeout", format_duration(s.idle_timeout)},
        {"maxActivitiesPerSession", s.max_activities_per_session},
        {"maxDiskBytesPerSession", s.max_disk_bytes_per_session},
        {"maxFileBytes", s.max_file_bytes}}},
  };
  // Only when it is set: workers of an earlier version refuse what they do not know.
  if (s.max_per_owner > 0) {
    out["limits"]["maxPerOwner"] = s.max_per_owner;
  }
  return out;
}

Result<WorkerConfig> WorkerConfig::parse(const Json& body, const std::string& path) {
  WorkerConfig c;
  FieldReader r(body, path);
  const Json* sessions = r.object("sessions");
  if (sessions == nullptr) {
    r.error("sessions", "is required");
  }
  const Json* activities = r.array("activities");
  r.optional("exec", c.exec);
  BERTH_TRY(r.finish());
  BERTH_ASSIGN(c.sessions, parse_sessions_spec(*sessions, r.path_of("sessions")));
  if (activities != nullptr) {
    BERTH_ASSIGN(c.activities, parse_activities(*activities, r.path_of("activities")));
  }
  return c;
}

Json to_json(const WorkerConfig& c) {
  return {
      {"sessions", to_json(c.sessions)}, {"activities", to_json(c.activities)}, {"exec", c.exec}};
}

}  // namespace berth::api
