#pragma once

#include <string>
#include <string_view>

#include "berth/http/message.h"
#include "berth/observe/log.h"

namespace berth::gateway {

/// Something that somebody did, or was refused.
struct AuditEvent {
  std::string_view action = {};  ///< "create", "complete", "list".
  std::string_view owner = {};   ///< Empty: not known, as with credentials of nobody.
  std::string_view ns = {};
  std::string_view pool = {};
  std::string_view session = {};
  std::string_view worker = {};
  std::string_view outcome = {};  ///< "ok", or the code of the refusal ("AccessDenied").
  std::string_view source = {};   ///< The caller's address, or that of the last proxy on its way.
};

/// Writes one JSON line per event, with "audit": true, whatever the log level. Values are escaped
/// and cut at 256 bytes each.
///
///     {"time": ..., "logger": "audit", "msg": "create", "audit": true, "owner": "...",
///     "namespace":
///     "...", "pool": "...", "session": "...", "worker": "...", "outcome": "ok", "source": "..."}
class AuditLog {
 public:
  /// `log` decides where the lines go; it should take level info and write JSON.
  explicit AuditLog(Log log) : log_(std::move(log)) {}
  void write(const AuditEvent& event) const;

 private:
  Log log_;
};

/// "ok" for an answer below 400, else its "code".
std::string outcome_of(const http::Response& answer);

}  // namespace berth::gateway
