#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/api/session.h"
#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/control/long_poll.h"
#include "berth/http/transport.h"

namespace berth::control {

/// A worker as it is reached: "http://10.1.2.3:7600", the uid that tokens are made out to, and,
/// with https, the name that its certificate must be for.
struct WorkerTarget {
  std::string origin;
  api::WorkerUid uid;
  std::string server_name{};
  bool operator==(const WorkerTarget&) const = default;
};

/// Keeps the latest `GET /v1/slots` of one worker, by long poll. Loop thread only; destroying it
/// stops it. What it holds is a hint: the worker alone decides.
class SlotsPoller {
 public:
  struct Settings : LongPoll::Settings {
    Settings() { max_body = 64u << 10; }
  };
  /// `on_change` runs after each answer that differs from the last, when polls begin to fail or
  /// work again, and when the worker falls silent.
  SlotsPoller(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
              Random& random, WorkerTarget target, Settings settings,
              std::function<void()> on_change);
  ~SlotsPoller();

  /// The last answer, however old; empty until the first.
  const std::optional<api::Slots>& slots() const;
  /// No answer for wait + patience, counted from the start until the first answer.
  bool silent() const;
  /// Why the last poll failed; empty after a success.
  const std::optional<Error>& last_error() const;
  const WorkerTarget& target() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::control
