#include "client/src/errors.h"

#include "berth/http/server.h"

namespace berth::client {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kSessionFailed:
      return "SessionFailed";
    case ErrorKind::kCreationTimeout:
      return "CreationTimeout";
    case ErrorKind::kSessionAlreadyOpen:
      return "SessionAlreadyOpen";
    case ErrorKind::kNoSession:
      return "NoSession";
    case ErrorKind::kActivityFailed:
      return "ActivityFailed";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kPoolNotFound:
      return "PoolNotFound";
    case ErrorKind::kFileNotFound:
      return "FileNotFound";
    case ErrorKind::kInvalidArgument:
      return "InvalidArgument";
    case ErrorKind::kUnauthenticated:
      return "Unauthenticated";
    case ErrorKind::kPermissionDenied:
      return "PermissionDenied";
    case ErrorKind::kWorkerGone:
      return "WorkerGone";
    case ErrorKind::kUnavailable:
      return "Unavailable";
    case ErrorKind::kInternal:
      break;
  }
  return "Internal";
}

std::string ClientError::text() const {
  std::string out(to_string(kind));
  out += ": ";
  if (!error.field.empty()) {
    out += error.field + ": ";
  }
  out += error.message;
  // The worker's own words end with it already.
  if (ended && !error.message.ends_with(api::to_string(*ended))) {
    out += " (";
    out += api::to_string(*ended);
    out += ")";
  }
  return out;
}

ErrorKind kind_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return ErrorKind::kInvalidArgument;
    case ErrorCode::kUnauthenticated:
      return ErrorKind::kUnauthenticated;
    case ErrorCode::kPermissionDenied:
      return ErrorKind::kPermissionDenied;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
      return ErrorKind::kUnavailable;
    case ErrorCode::kCancelled:
      return ErrorKind::kCancelled;
    case ErrorCode::kNotFound:
    case ErrorCode::kGone:
    case ErrorCode::kUnimplemented:
    case ErrorCode::kInternal:
      break;
  }
  return ErrorKind::kInternal;
}

ClientError client_error(ErrorKind kind, Error error) {
  ClientError e;
  e.kind = kind;
  e.error = std::move(error);
  return e;
}

ClientError client_error(Error error) {
  const ErrorKind kind = kind_of(error);
  return client_error(kind, std::move(error));
}

ClientError invalid(std::string field, std::string message) {
  return client_error(Error::invalid(std::move(field), std::move(message)));
}

ClientError cancelled(std::string message) {
  return client_error(Error::make(ErrorCode::kCancelled, "", std::move(message)));
}

Error error_of(const Result<http::Response>& result) {
  return result ? http::error_from_response(*result) : result.error();
}

bool unanswered(const Result<http::Response>& result) {
  if (!result) {
    return result.error().code == ErrorCode::kUnavailable ||
           result.error().code == ErrorCode::kDeadlineExceeded;
  }
  switch (result->status) {
    case 502:
    case 504:
      return true;
    case 410:
      // A gateway's word only: one that has just started may not know the worker yet.
      return error_of(result).reason == "WorkerGone";
    case 503:
      // The one refusal of a worker that lives.
      return error_of(result).reason != "JournalUnavailable";
    default:
      return false;
  }
}

bool maybe_carried_out(const Result<http::Response>& result) {
  const Error error = error_of(result);
  return error.reason != "ConnectFailed" && error.reason != "WorkerUnreachable" &&
         error.reason != "WorkerGone";
}

}  // namespace berth::client
