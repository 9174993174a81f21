#include "berth/api/activity.h"

#include <limits>

#include "berth/base/base64.h"
#include "berth/base/duration.h"
#include "berth/base/utf8.h"
#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

constexpr Named<ActivityState> kStates[] = {
    {ActivityState::kRunning, "Running"},     {ActivityState::kCancelling, "Cancelling"},
    {ActivityState::kSucceeded, "Succeeded"}, {ActivityState::kFailed, "Failed"},
    {ActivityState::kCancelled, "Cancelled"}, {ActivityState::kTimedOut, "TimedOut"},
};

void set_if(Json& out, const char* key, const Json& value) {
  if (!value.is_null()) {
    out[key] = value;
  }
}

Result<ActivityOutput::Chunk> parse_chunk(const Json& body, const std::string& path) {
  ActivityOutput::Chunk c;
  FieldReader r(body, path);
  r.allow_unknown();
  std::string stream;
  r.required("stream", stream);
  if (r.ok() && stream != "stdout" && stream != "stderr") {
    r.error("stream", "must be stdout or stderr");
  }
  c.is_stderr = stream == "stderr";
  r.optional("text", c.bytes);
  std::string encoded;
  r.optional("base64", encoded);
  if (!encoded.empty()) {
    auto bytes = base64_decode(encoded);
    if (!bytes) {
      r.error("base64", "is not base64");
    } else {
      c.bytes = *std::move(bytes);
    }
  }
  BERTH_TRY(r.finish());
  return c;
}

Result<ActivityFailure> parse_failure(const Json& body) {
  ActivityFailure f;
  FieldReader r(body, "failure");
  r.allow_unknown();
  r.required("type", f.type);
  r.optional("message", f.message);
  r.optional("retryable", f.retryable);
  BERTH_TRY(r.finish());
  return f;
}

}  // namespace

std::string_view to_string(ActivityState state) {
  return name_of(kStates, state);
}
std::optional<ActivityState> parse_activity_state(std::string_view text) {
  return value_of(kStates, text);
}

Result<StartActivity> StartActivity::parse(const Json& body) {
  StartActivity a;
  FieldReader r(body, "");
  std::string id;
  r.optional("activityId", id);
  r.required("type", a.type);
  if (!is_activity_name(a.type)) {
    r.error("type", "must be 1 to 63 characters of A-Z, a-z, 0-9, '_', '.' and '-'");
  }
  if (const Json* input = r.take("input")) {
    a.input = *input;
  }
  optional_duration(r, "startToCloseTimeout", a.start_to_close_timeout, kMinTimeout, kMaxDuration);
  optional_duration(r, "heartbeatTimeout", a.heartbeat_timeout, kMinHeartbeat, kMaxDuration);
  BERTH_TRY(r.finish());
  if (!id.empty()) {
    BERTH_TRY(check_id(id, "activityId"));
    a.activity_id = ActivityId(std::move(id));
  }
  return a;
}

Json to_json(const StartActivity& a) {
  Json out = {{"type", a.type}};
  if (!a.activity_id.empty()) {
    out["activityId"] = a.activity_id.str();
  }
  set_if(out, "input", a.input);
  if (a.start_to_close_timeout) {
    out["startToCloseTimeout"] = format_duration(*a.start_to_close_timeout);
  }
  if (a.heartbeat_timeout) {
    out["heartbeatTimeout"] = format_duration(*a.heartbeat_timeout);
  }
  return out;
}

Result<ActivityInfo> ActivityInfo::parse(const Json& body) {
  ActivityInfo a;
  FieldReader r(body, "");
  r.allow_unknown();
  required_id(r, "activityId", a.activity_id);
  r.optional("type", a.type);
  if (r.take("state") == nullptr) {
    r.error("state", "is required");
  }
  one_of(r, "state", kStates, a.state);
  if (const Json* result = r.take("result")) {
    a.result = *result;
  }
  if (const Json* progress = r.take("progress")) {
    a.progress = *progress;
  }
  const Json* failure = r.object("failure");
  r.optional("version", a.version, 0, kMaxCount);
  r.optional("stderrTail", a.stderr_tail);
  if (std::int64_t status = 0; r.take("exitStatus") != nullptr) {
    r.optional("exitStatus", status, 0, 255);
    a.exit_status = status;
  }
  r.optional("stdoutBase64", a.stdout_base64);
  seconds(r, "runtimeSeconds", a.runtime);
  BERTH_TRY(r.finish());
  if (failure != nullptr) {
    BERTH_ASSIGN(a.failure, parse_failure(*failure));
  }
  return a;
}

Json to_json(const ActivityInfo& a) {
  Json out = {{"activityId", a.activity_id.str()},
              {"type", a.type},
              {"state", to_string(a.state)},
              {"version", a.version},
              {"runtimeSeconds", wire_seconds(a.runtime)}};
  set_if(out, "result", a.result);
  set_if(out, "progress", a.progress);
  if (a.failure) {
    out["failure"] = {{"type", a.failure->type},
                      {"message", a.failure->message},
                      {"retryable", a.failure->retryable}};
  }
  if (!a.stderr_tail.empty()) {
    out["stderrTail"] = a.stderr_tail;
  }
  if (a.exit_status) {
    out["exitStatus"] = *a.exit_status;
  }
  if (!a.stdout_base64.empty()) {
    out["stdoutBase64"] = a.stdout_base64;
  }
  return out;
}

Result<ActivityOutput> ActivityOutput::parse(const Json& body) {
  ActivityOutput a;
  FieldReader r(body, "");
  r.allow_unknown();
  r.required("next", a.next, 0, std::numeric_limits<std::int64_t>::max());
  r.optional("end", a.end);
  const Json* chunks = r.array("chunks");
  BERTH_TRY(r.finish());
  for (std::size_t i = 0; chunks != nullptr && i < chunks->size(); ++i) {
    BERTH_ASSIGN(Chunk chunk, parse_chunk((*chunks)[i], "chunks[" + std::to_string(i) + "]"));
    a.chunks.push_back(std::move(chunk));
  }
  return a;
}

Json to_json(const ActivityOutput& a) {
  Json chunks = Json::array();
  for (const ActivityOutput::Chunk& c : a.chunks) {
    Json chunk = {{"stream", c.is_stderr ? "stderr" : "stdout"}};
    if (is_utf8(c.bytes)) {
      chunk["text"] = c.bytes;
    } else {
      chunk["base64"] = base64_encode(c.bytes);
    }
    chunks.push_back(std::move(chunk));
  }
  return {{"next", a.next}, {"end", a.end}, {"chunks", std::move(chunks)}};
}

}  // namespace berth::api
