#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "berth/api/activity.h"
#include "berth/api/session.h"
#include "berth/base/error.h"

namespace berth::client {

/// What went wrong, as a program wants to tell it apart.
enum class ErrorKind {
  /// The session is over and not by us: worker lost, lease expired, drained, timed out. `ended`
  /// tells why when the worker could still say so. Nothing more can run in it.
  kSessionFailed,
  kCreationTimeout,     ///< No slot became free within creation_timeout. Nothing is left open.
  kSessionAlreadyOpen,  ///< The context already holds an open session.
  kNoSession,           ///< The context holds no session, or a completed one.
  kActivityFailed,      ///< It ran and failed or timed out; `activity` tells. The session is open.
  /// We took it back (future, context, complete_session, ~Client), or its session failed while it
  /// ran; then `ended` tells why, if known.
  kCancelled,
  kPoolNotFound,
  kFileNotFound,     ///< get_file: the session's directory holds no such file.
  kInvalidArgument,  ///< `error.field` names what.
  kUnauthenticated,  ///< The gateway or worker did not accept our token.
  kPermissionDenied,
  kWorkerGone,   ///< recreate_session: the worker of the token is gone, cordoned or retired.
  kUnavailable,  ///< Gateway or worker not reachable in the time given, or refusing for now.
  kInternal,     ///< A broken promise of Berth's own.
};
std::string_view to_string(ErrorKind kind);

struct ClientError {
  ErrorKind kind = ErrorKind::kInternal;
  Error error;
  std::optional<api::ActivityFailure> activity;
  std::optional<api::EndReason> ended;

  /// "SessionFailed: worker files-2 did not answer for 20s" for logs.
  std::string text() const;
};

template <class T>
using Outcome = tl::expected<T, ClientError>;

}  // namespace berth::client
