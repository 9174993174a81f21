#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace berth {

/// What kind of failure an Error is. One small vocabulary for all of Berth: libraries map their own
/// codes to it, servers map it to an HTTP status, clients to their typed errors. The finer reason
/// is `Error::reason`.
enum class ErrorCode {
  kInvalidArgument,  ///< The caller sent something wrong; `field` names what. Retrying as is cannot
                     ///< help.
  kUnauthenticated,  ///< No credentials, or credentials that are not valid (any more).
  kPermissionDenied,  ///< Valid credentials that do not allow this.
  kNotFound,
  kAlreadyExists,  ///< A name is taken.
  kConflict,       ///< A precondition failed: a newer version, another owner, a busy worker.
  kGone,  ///< It existed and is over for good (HTTP 410): an ended session, an expired list
          ///< position.
  kResourceExhausted,  ///< A limit is reached: slots, line, size, rate.
  kUnavailable,  ///< Not reachable or not serving now; the request was not carried out, or may not
                 ///< have been.
  kDeadlineExceeded,  ///< No answer in time; whether it was carried out is unknown.
  kCancelled,         ///< The caller took it back.
  kUnimplemented,
  kInternal,  ///< A broken promise of our own, or an operating-system failure with no better code.
};

/// The name used in logs and JSON, for example "InvalidArgument".
std::string_view to_string(ErrorCode code);

/// A failure that the caller is expected to handle. A value: copy it, return it, wrap it.
///
///     return Error::invalid("sessions.maxPerWorker", "must be at least 1, is 0");
///     return read_file(path).map_error([&](Error e) { return std::move(e).wrap("reading the key
///     set"); });
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string reason;   ///< CamelCase, stable, for programs: "NoFreeSlot". Empty: to_string(code).
  std::string message;  ///< One sentence for people: what was wrong and the way out.
  std::string field;    ///< The offending field or flag, dotted path, if there is one.
  std::optional<std::chrono::milliseconds>
      retry_after;  ///< The other side's wish, when it told one.

  static Error make(ErrorCode code, std::string reason, std::string message);
  static Error invalid(std::string field, std::string message);
  static Error internal(std::string message);
  /// From errno: "opening /x: No such file or directory", with the code that fits.
  static Error from_errno(int err, std::string_view doing);

  /// The same error with "doing: " before the message.
  Error wrap(std::string_view doing) &&;
  /// `reason`, or the code's name where no finer reason was given.
  std::string_view reason_or_code() const;
  /// True for codes where the same request may succeed later (unavailable, exhausted, deadline).
  bool retryable() const;
  /// "NoFreeSlot: all 4 slots are used (field gpu)" for logs and terminals.
  std::string text() const;

  bool operator==(const Error&) const = default;
};

/// Either a value or an Error. Always look before use: `if (!r) return tl::unexpected(r.error());`
template <class T>
using Result = tl::expected<T, Error>;

/// For functions that either work or fail.
using Status = Result<void>;

/// Shorthand for `return tl::unexpected(error)`, usable for any Result<T>.
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace berth

/// Returns the error of `expr` (a Result) from the enclosing function, else goes on.
#define BERTH_TRY(expr)                                    \
  do {                                                     \
    if (auto berth_try_ = (expr); !berth_try_) {           \
      return ::berth::fail(std::move(berth_try_).error()); \
    }                                                      \
  } while (false)

#define BERTH_CONCAT_(a, b) a##b
#define BERTH_CONCAT(a, b) BERTH_CONCAT_(a, b)

/// `BERTH_ASSIGN(auto text, read_file(p));` declares or assigns the value, or returns the error.
#define BERTH_ASSIGN(decl, expr) BERTH_ASSIGN_(decl, expr, BERTH_CONCAT(berth_result_, __LINE__))
#define BERTH_ASSIGN_(decl, expr, tmp)            \
  auto tmp = (expr);                              \
  if (!tmp) {                                     \
    return ::berth::fail(std::move(tmp).error()); \
  }                                               \
  decl = std::move(*tmp)
