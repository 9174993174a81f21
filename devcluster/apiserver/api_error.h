#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "berth/base/json.h"
#include "devcluster/apiserver/resource_type.h"

namespace berth::devcluster {

/// A failure as Kubernetes tells it: what becomes a Status object with an HTTP code. The makers
/// below use the wording of the real API server, which clients (and people) match on.
struct ApiError {
  int code = 500;
  std::string reason;  ///< "NotFound", "Conflict", ...
  std::string message;
  Json details = nullptr;  ///< Status.details, or null.
  std::optional<std::chrono::seconds> retry_after;

  static ApiError not_found(const ResourceType& type, const std::string& name);
  static ApiError already_exists(const ResourceType& type, const std::string& name);
  /// `why` follows 'Operation cannot be fulfilled on pods "x": '.
  static ApiError conflict(const ResourceType& type, const std::string& name,
                           const std::string& why);
  /// The optimistic lock failed.
  static ApiError modified(const ResourceType& type, const std::string& name);
  static ApiError invalid(const ResourceType& type, const std::string& name, std::string field,
                          std::string message);
  static ApiError expired(std::string message);
  static ApiError bad_request(std::string message);
  static ApiError internal(std::string message);
  /// For everything rarer.
  static ApiError make(int code, std::string reason, std::string message);

  /// {"kind": "Status", "status": "Failure", ...}
  Json body() const;
};

template <class T>
using ApiResult = tl::expected<T, ApiError>;

}  // namespace berth::devcluster

namespace berth {
/// Lets BERTH_TRY and BERTH_ASSIGN pass an ApiError on as they pass on an Error.
inline tl::unexpected<devcluster::ApiError> fail(devcluster::ApiError error) {
  return tl::unexpected<devcluster::ApiError>(std::move(error));
}
}  // namespace berth
