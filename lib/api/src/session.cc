#include "berth/api/session.h"

#include <algorithm>

#include "berth/base/duration.h"
#include "berth/base/json_writer.h"
#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

constexpr std::size_t kMaxOwner = 512;
constexpr std::size_t kMaxAttempt = 128;
constexpr std::size_t kMaxRecreateToken = 1024;

constexpr Named<EndReason> kEndReasons[] = {
    {EndReason::kCompleted, "Completed"},
    {EndReason::kLeaseExpired, "LeaseExpired"},
    {EndReason::kExecutionTimeout, "ExecutionTimeout"},
    {EndReason::kIdleTimeout, "IdleTimeout"},
    {EndReason::kDrainDeadline, "DrainDeadline"},
    {EndReason::kWorkerShutdown, "WorkerShutdown"},
    {EndReason::kGivenBack, "GivenBack"},
    {EndReason::kHostRestarted, "HostRestarted"},
};
constexpr Named<SessionState> kSessionStates[] = {
    {SessionState::kOpen, "Open"},
    {SessionState::kEnding, "Ending"},
    {SessionState::kEnded, "Ended"},
};

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

void write_worker(JsonWriter& out, const WorkerRef& w) {
  out.begin("worker");
  out.text("name", w.name);
  out.text("uid", w.uid.str());
  out.text("incarnation", w.incarnation.str());
  out.text("address", w.address);
  out.end();
}

Status read_worker(FieldReader& r, WorkerRef& out) {
  const Json* worker = r.object("worker");
  if (worker == nullptr) {
    r.error("worker", "is required");
    return r.finish();
  }
  FieldReader w(*worker, r.path_of("worker"));
  w.allow_unknown();
  w.required("name", out.name);
  required_id(w, "uid", out.uid);
  required_id(w, "incarnation", out.incarnation);
  w.required("address", out.address);
  return w.finish();
}

// The four fields that tell when a session ends by itself.
template <class T>
void read_ends(FieldReader& r, T& out) {
  wall_time(r, "leaseExpiresAt", out.lease_expires_at);
  required_seconds(r, "leaseSecondsRemaining", out.lease_remaining);
  wall_time(r, "executionDeadline", out.execution_deadline);
  required_seconds(r, "executionSecondsRemaining", out.execution_remaining);
}

template <class T>
void write_ends(JsonWriter& out, const T& from) {
  out.text("leaseExpiresAt", format_rfc3339(from.lease_expires_at));
  out.number("leaseSecondsRemaining", wire_seconds(from.lease_remaining));
  out.text("executionDeadline", format_rfc3339(from.execution_deadline));
  out.number("executionSecondsRemaining", wire_seconds(from.execution_remaining));
}

}  // namespace

std::string_view to_string(EndReason reason) {
  return name_of(kEndReasons, reason);
}
std::optional<EndReason> parse_end_reason(std::string_view text) {
  return value_of(kEndReasons, text);
}
std::string_view to_string(SessionState state) {
  return name_of(kSessionStates, state);
}
std::optional<SessionState> parse_session_state(std::string_view text) {
  return value_of(kSessionStates, text);
}

Result<CreateSession> CreateSession::parse(const Json& body) {
  CreateSession c;
  FieldReader r(body, "");
  std::string id;
  r.optional("id", id);
  bounded(r, "tokenHash", c.token_hash, 64);
  if (c.token_hash && !is_sha256_hex(*c.token_hash)) {
    r.error("tokenHash", "must be the SHA-256 of the token as 64 lower-case hex digits");
  }
  optional_duration(r, "creationTimeout", c.creation_timeout, Duration(0), kMaxDuration);
  optional_duration(r, "executionTimeout", c.execution_timeout, Duration(0), kMaxDuration);
  optional_duration(r, "heartbeatTimeout", c.heartbeat_timeout, Duration(0), kMaxDuration);
  const Json* resources = r.object("resources");
  bounded(r, "owner", c.owner, kMaxOwner);
  bounded(r, "attempt", c.attempt, kMaxAttempt);
  bounded(r, "recreateToken", c.recreate_token, kMaxRecreateToken);
  BERTH_TRY(r.finish());
  if (!id.empty()) {
    BERTH_TRY(check_id(id, "id"));
    c.id = SessionId(std::move(id));
  }
  if (resources != nullptr) {
    BERTH_ASSIGN(c.resources, parse_resources(*resources, "resources"));
    if (c.resources.contains(kSlot)) {
      return fail(Error::invalid(
          "resources.session", "is the slot itself, which each session takes once; leave it out"));
    }
  }
  return c;
}

Json to_json(const CreateSession& c) {
  Json out = Json::object();
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) {
      out[key] = value;
    }
  };
  const auto duration = [&](const char* key, const std::optional<Duration>& value) {
    if (value) {
      out[key] = format_duration(*value);
    }
  };
  text("id", c.id.str());
  if (c.token_hash) {
    out["tokenHash"] = *c.token_hash;
  }
  duration("creationTimeout", c.creation_timeout);
  duration("executionTimeout", c.execution_timeout);
  duration("heartbeatTimeout", c.heartbeat_timeout);
  if (!c.resources.empty()) {
    out["resources"] = to_json(c.resources);
  }
  text("owner", c.owner);
  text("attempt", c.attempt);
  if (c.recreate_token) {
    out["recreateToken"] = *c.recreate_token;
  }
  return out;
}

Result<SessionCreated> SessionCreated::parse(const Json& body) {
  SessionCreated s;
  FieldReader r(body, "");
  r.allow_unknown();
  required_id(r, "id", s.id);
  BERTH_TRY(read_worker(r, s.worker));
  if (std::string token; r.take("token") != nullptr) {
    r.optional("token", token);
    s.token = std::move(token);
  }
  r.optional("recreateToken", s.recreate_token);
  required_duration(r, "heartbeatTimeout", s.heartbeat_timeout, Duration(0), kMaxDuration);
  read_ends(r, s);
  BERTH_TRY(r.finish());
  return s;
}

std::string json_text(const SessionCreated& s) {
  JsonWriter out;
  out.text("id", s.id.str());
  write_worker(out, s.worker);
  if (s.token) {
    out.text("token", *s.token);
  }
  out.text("recreateToken", s.recreate_token);
  out.text("heartbeatTimeout", format_duration(s.heartbeat_timeout));
  write_ends(out, s);
  return std::move(out).finish();
}

Json to_json(const SessionCreated& s) {
  return Json::parse(json_text(s));
}

Result<SessionInfo> SessionInfo::parse(const Json& body) {
  SessionInfo s;
  FieldReader r(body, "");
  r.allow_unknown();
  required_id(r, "id", s.id);
  if (r.take("state") == nullptr) {
    r.error("state", "is required");
  }
  one_of(r, "state", kSessionStates, s.state);
  // A reason that a newer worker knows and we do not is no reason to lose sight of the session.
  std::string reason;
  r.optional("endReason", reason);
  s.end_reason = parse_end_reason(reason);
  r.optional("owner", s.owner);
  r.optional("hostName", s.host_name);
  BERTH_TRY(read_worker(r, s.worker));
  const Json* resources = r.object("resources");
  wall_time(r, "createdAt", s.created_at);
  seconds(r, "ageSeconds", s.age);
  read_ends(r, s);
  r.optional("activitiesRunning", s.activities_running, 0, kMaxCount);
  r.optional("diskBytes", s.disk_bytes, 0, kMaxCount);
  BERTH_TRY(r.finish());
  if (resources != nullptr) {
    BERTH_ASSIGN(s.resources, parse_resources(*resources, "resources"));
  }
  return s;
}

std::string json_text(const SessionInfo& s) {
  JsonWriter out;
  out.text("id", s.id.str());
  out.text("state", to_string(s.state));
  if (s.end_reason) {
    out.text("endReason", to_string(*s.end_reason));
  }
  out.text("owner", s.owner);
  out.text("hostName", s.host_name);
  write_worker(out, s.worker);
  out.begin("resources");
  for (const auto& [name, amount] : s.resources) {
    out.integer(name, amount);
  }
  out.end();
  out.text("createdAt", format_rfc3339(s.created_at));
  out.number("ageSeconds", wire_seconds(s.age));
  out.integer("activitiesRunning", s.activities_running);
  out.integer("diskBytes", s.disk_bytes);
  write_ends(out, s);
  return std::move(out).finish();
}

Json to_json(const SessionInfo& s) {
  return Json::parse(json_text(s));
}

}  // namespace berth::api
