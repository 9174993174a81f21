#pragma once

#include "temporal/session/hosted_session.h"

namespace berth::temporal {

/// What the store keeps of an open session: enough to go on with it.
struct SavedSession {
  Binding binding;
  client::SessionHandle handle;
  std::string recreate_token;

  static Result<SavedSession> parse(const Json& json);
};
Json to_json(const SavedSession& s);

/// And of an activity that runs in it.
struct SavedActivity {
  ActivityTask task;  ///< Without its input.
  Json input;

  static Result<SavedActivity> parse(const Json& json);
};
Json to_json(const SavedActivity& a);

}  // namespace berth::temporal
