#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "berth/base/error.h"
#include "berth/base/json.h"

namespace berth::worker {

/// What a C++ activity sees of the world while it runs. It lives until the function returns; every
/// member may be called from any thread of the function's own until then.
class ActivityContext {
 public:
  virtual ~ActivityContext() = default;

  /// The session's private directory. It outlives the activity, and is shared with the session's
  /// other activities.
  virtual const std::filesystem::path& directory() const = 0;
  virtual const std::string& session_id() const = 0;
  virtual const std::string& activity_id() const = 0;

  /// Tells the caller how far it is; the newest value wins, so call it as often as you like. Also
  /// counts as a sign of life where the caller asked for one (its heartbeat timeout).
  virtual void progress(Json value) = 0;

  /// Requested when the caller cancels, a timeout passes or the session ends. A function that never
  /// looks keeps its session's slot used until it returns: a thread cannot be killed.
  virtual std::stop_token stop_token() const = 0;
  bool cancelled() const { return stop_token().stop_requested(); }
};

/// A C++ activity. Runs on a thread of the worker's pool, never on its event loop, so it may block.
/// The returned Json is the activity's result; an Error makes it fail with the type
/// `Error::reason_or_code()` and the error's message. An exception that leaves it fails the
/// activity with the type "Internal". After cancellation whatever it returns counts as Cancelled,
/// unless it succeeded.
using ActivityFunction = std::function<Result<Json>(ActivityContext&, const Json& input)>;

}  // namespace berth::worker
