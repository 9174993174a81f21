#include "berth/base/error.h"

#include <cerrno>
#include <system_error>

namespace berth {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "InvalidArgument";
    case ErrorCode::kUnauthenticated:
      return "Unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "PermissionDenied";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kAlreadyExists:
      return "AlreadyExists";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kGone:
      return "Gone";
    case ErrorCode::kResourceExhausted:
      return "ResourceExhausted";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kDeadlineExceeded:
      return "DeadlineExceeded";
    case ErrorCode::kCancelled:
      return "Cancelled";
    case ErrorCode::kUnimplemented:
      return "Unimplemented";
    case ErrorCode::kInternal:
      break;
  }
  return "Internal";
}

Error Error::make(ErrorCode code, std::string reason, std::string message) {
  Error e;
  e.code = code;
  e.reason = std::move(reason);
  e.message = std::move(message);
  return e;
}

Error Error::invalid(std::string field, std::string message) {
  Error e = make(ErrorCode::kInvalidArgument, "", std::move(message));
  e.field = std::move(field);
  return e;
}

Error Error::internal(std::string message) {
  return make(ErrorCode::kInternal, "", std::move(message));
}

Error Error::from_errno(int err, std::string_view doing) {
  ErrorCode code = ErrorCode::kInternal;
  switch (err) {
    case ENOENT:
    case ENOTDIR:
      code = ErrorCode::kNotFound;
      break;
    case EEXIST:
      code = ErrorCode::kAlreadyExists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::kPermissionDenied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = ErrorCode::kResourceExhausted;
      break;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EAGAIN:
      code = ErrorCode::kUnavailable;
      break;
    case ETIMEDOUT:
      code = ErrorCode::kDeadlineExceeded;
      break;
    case EADDRINUSE:
      code = ErrorCode::kConflict;
      break;
    default:
      break;
  }
  std::string message(doing);
  message += ": ";
  message += std::generic_category().message(err);
  return make(code, "", std::move(message));
}

Error Error::wrap(std::string_view doing) && {
  message = std::string(doing) + ": " + message;
  return std::move(*this);
}

std::string_view Error::reason_or_code() const {
  return reason.empty() ? to_string(code) : std::string_view(reason);
}

bool Error::retryable() const {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kResourceExhausted ||
         code == ErrorCode::kDeadlineExceeded;
}

std::string Error::text() const {
  std::string out(reason_or_code());
  out += ": ";
  if (!field.empty()) {
    out += field;
    out += ": ";
  }
  out += message;
  return out;
}

}  // namespace berth
