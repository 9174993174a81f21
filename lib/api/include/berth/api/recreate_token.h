#pragma once

#include <string>
#include <string_view>

#include "berth/api/ids.h"
#include "berth/base/error.h"

namespace berth::api {

/// The token with which an owner asks for another session on the same worker. Its text is
/// "<pod name>.<pod uid>.<session id>.<secret>": a gateway reads from it where to go, the worker
/// whether the slot held for that session is the bearer's. A secret; never logged.
struct RecreateToken {
  std::string worker;  ///< Pod name; the only part that may hold dots.
  WorkerUid uid;
  SessionId session;
  std::string secret;  ///< Lower-case hex.

  std::string text() const { return worker + "." + uid.str() + "." + session.str() + "." + secret; }

  /// The error's field is "recreateToken".
  static Result<RecreateToken> parse(std::string_view text) {
    RecreateToken t;
    const auto bad = [] {
      return fail(Error::invalid("recreateToken", "is not a token that a worker gave out"));
    };
    if (text.size() > 1024) {
      return bad();
    }
    const auto last_part = [&text]() -> std::string {
      const auto dot = text.rfind('.');
      if (dot == std::string_view::npos) {
        return {};
      }
      std::string part(text.substr(dot + 1));
      text = text.substr(0, dot);
      return part;
    };
    t.secret = last_part();
    t.session = SessionId(last_part());
    t.uid = WorkerUid(last_part());
    t.worker = std::string(text);
    if (t.secret.empty() || t.session.empty() || t.uid.empty() || t.worker.empty() ||
        !check_id(t.session.str(), "recreateToken")) {
      return bad();
    }
    return t;
  }
};

}  // namespace berth::api
