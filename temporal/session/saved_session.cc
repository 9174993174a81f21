#include "temporal/session/saved_session.h"

#include "berth/base/base64.h"

namespace berth::temporal {
namespace {

constexpr std::int64_t kLongest = 10LL * 366 * 24 * 3600 * 1000;

std::int64_t to_milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

// Reads what to_json() wrote, nothing else: the files are ours.
class Reader {
 public:
  Reader(const Json& json, std::string path) : fields_(json, std::move(path)) {}

  std::string text(std::string_view key) {
    std::string out;
    fields_.required(key, out);
    return out;
  }
  std::string bytes(std::string_view key) {
    const auto decoded = base64_decode(text(key));
    if (!decoded) {
      fields_.error(key, "is not base64");
    }
    return decoded.value_or("");
  }
  std::int64_t number(std::string_view key, std::int64_t most) {
    std::int64_t out = 0;
    fields_.required(key, out, 0, most);
    return out;
  }
  Duration duration(std::string_view key) {
    return std::chrono::milliseconds(number(key, kLongest));
  }
  const Json* any(std::string_view key) { return fields_.take(key); }
  Status finish() { return fields_.finish(); }

 private:
  FieldReader fields_;
};

}  // namespace

Json to_json(const SavedSession& s) {
  return {{"task", base64_encode(s.binding.token)},
          {"temporalSession", s.binding.session_id},
          {"workflow", s.binding.workflow_id},
          {"run", s.binding.run_id},
          {"temporalHeartbeatMs", to_milliseconds(s.binding.heartbeat_timeout)},
          {"namespace", s.handle.ns},
          {"pool", s.handle.pool},
          {"worker", s.handle.worker},
          {"address", s.handle.address},
          {"id", s.handle.id},
          {"token", s.handle.token},
          {"heartbeatMs", to_milliseconds(s.handle.heartbeat_timeout)},
          {"recreateToken", s.recreate_token}};
}

Result<SavedSession> SavedSession::parse(const Json& json) {
  Reader r(json, "session");
  SavedSession s;
  s.binding = {r.bytes("task"), r.text("temporalSession"), r.text("workflow"), r.text("run"),
               r.duration("temporalHeartbeatMs")};
  s.handle = {r.text("namespace"), r.text("pool"),  r.text("worker"),         r.text("address"),
              r.text("id"),        r.text("token"), r.duration("heartbeatMs")};
  s.recreate_token = r.text("recreateToken");
  BERTH_TRY(r.finish());
  return s;
}

Json to_json(const SavedActivity& a) {
  return {{"task", base64_encode(a.task.token)},
          {"type", a.task.type},
          {"attempt", a.task.attempt},
          {"startToCloseMs", to_milliseconds(a.task.start_to_close)},
          {"heartbeatMs", to_milliseconds(a.task.heartbeat_timeout)},
          {"input", a.input}};
}

Result<SavedActivity> SavedActivity::parse(const Json& json) {
  Reader r(json, "activity");
  SavedActivity a;
  a.task.token = r.bytes("task");
  a.task.type = r.text("type");
  a.task.attempt = static_cast<int>(r.number("attempt", INT32_MAX));
  a.task.start_to_close = r.duration("startToCloseMs");
  a.task.heartbeat_timeout = r.duration("heartbeatMs");
  if (const Json* const input = r.any("input")) {
    a.input = *input;
  }
  BERTH_TRY(r.finish());
  return a;
}

}  // namespace berth::temporal
