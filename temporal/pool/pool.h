#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "berth/client/client.h"

namespace berth::temporal {

/// How an activity in a session ended.
struct ActivityEnd {
  enum class Kind { kSucceeded, kFailed, kCancelled, kSessionLost };
  Kind kind = Kind::kFailed;
  Json result;  ///< When succeeded.
  std::optional<std::int64_t> exit_status;
  std::string output;  ///< exec: raw stdout.
  std::string stderr_tail;
  api::ActivityFailure failure;  ///< Unless succeeded.
};

struct ActivityAsk {
  std::string id;  ///< Runs once in its session, also when asked for again by another process.
  std::string type;
  Json input;
  std::optional<Duration> start_to_close;
  std::optional<Duration> heartbeat_timeout;
};

/// An open session of a Berth pool. Its lease is renewed while this lives. Dropped without
/// complete() it is given up: the slot is back at the latest with the end of the lease. Loop thread
/// only; callbacks run on the loop, and not after this has gone.
class HeldSession {
 public:
  virtual ~HeldSession() = default;

  /// With which attach() finds it again, and the token that reopens its slot.
  virtual const client::SessionHandle& handle() const = 0;
  virtual const std::string& recreate_token() const = 0;
  /// `fn` runs once when the session is over and not by complete(), with the reason.
  virtual void on_lost(std::function<void(const Error&)> fn) = 0;

  /// What it returns cancels the activity, whose real end is still told. `progress` may run often.
  using ProgressFn = std::function<void(const Json&)>;
  using EndFn = std::function<void(ActivityEnd)>;
  virtual std::function<void()> execute(ActivityAsk ask, ProgressFn progress, EndFn done) = 0;

  /// Frees the slot once the activities have stopped; `keep_for` holds it for the recreate token.
  virtual void complete(Duration keep_for) = 0;
};

/// Sessions of one Berth pool. Loop thread only.
class Pool {
 public:
  virtual ~Pool() = default;
  using OpenFn = std::function<void(Result<std::unique_ptr<HeldSession>>)>;

  /// Waits in the pool's line for a slot. Destroying the handle takes the place back; a session
  /// that opened meanwhile is completed.
  [[nodiscard]] virtual Cancel open(Duration wait, OpenFn done) = 0;
  /// The same on the worker of the token, at once or not at all.
  [[nodiscard]] virtual Cancel recreate(const std::string& token, OpenFn done) = 0;
  /// A session that an earlier process opened. Whether it still lives on_lost tells.
  virtual std::unique_ptr<HeldSession> attach(client::SessionHandle handle,
                                              std::string recreate_token) = 0;
};

}  // namespace berth::temporal
