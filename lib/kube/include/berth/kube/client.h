#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "berth/http/transport.h"
#include "berth/kube/config.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"

namespace berth::kube {

/// A kind of object as the API server's paths name it.
struct ResourceType {
  std::string_view group;  ///< "" for core.
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
};
inline constexpr ResourceType kPods{"", "v1", "pods", "Pod"};
inline constexpr ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr ResourceType kSecrets{"", "v1", "secrets", "Secret"};
inline constexpr ResourceType kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices",
                                              "EndpointSlice"};
inline constexpr ResourceType kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr ResourceType kEvents{"events.k8s.io", "v1", "events", "Event"};
inline constexpr ResourceType kSessionPools{"berth.dev", "v1alpha1", "sessionpools", "SessionPool"};

/// Path of a collection ("/api/v1/namespaces/x/pods", all namespaces when `ns` is empty) or of one
/// object in it.
std::string collection_path(const ResourceType& type, std::string_view ns);
std::string object_path(const ResourceType& type, std::string_view ns, std::string_view name,
                        std::string_view subresource = "");

/// What a DELETE must still find; a mismatch is kConflict.
struct Preconditions {
  std::string uid;
  std::string resource_version;  ///< Empty: not checked.
};

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::int64_t limit = 500;
  std::string continue_token;
};

struct CreateOptions {
  bool dry_run = false;  ///< Judged in full, admission included, and not kept.
  bool strict = false;   ///< A field that the server does not know is refused, not left out.
};

/// A typed-by-JSON Kubernetes API client. Loop thread only. Every call answers exactly once through
/// its callback, on the loop, never inside the call; destroying the returned handle aborts it.
///
/// Errors: the Status object's code mapped to ErrorCode, its `reason` kept ("AlreadyExists",
/// "Conflict", "Expired", "NotFound", "Invalid", "TooManyRequests", "Forbidden"), retry_after from
/// the answer. Codes are http::code_from_status() but for 409 "AlreadyExists", which is
/// kAlreadyExists, and 5xx (501 aside), which is kUnavailable. Callers decide on retries: a write
/// that got "ConnectionLost" may have happened. A name that cannot be a path segment is
/// kInvalidArgument and is not sent. A token file that was never readable is kUnauthenticated.
class Client {
 public:
  using ObjectFn = std::function<void(Result<Json>)>;

  /// `reads` serves lists, gets and writes; its deadline per call is 10 s. All must outlive the
  /// client.
  Client(EventLoop& loop, http::Transport& transport, Config config, const Log& log,
         Metrics& metrics);
  ~Client();

  Cancel get(const ResourceType& type, std::string_view ns, std::string_view name, ObjectFn fn);
  /// One page.
  Cancel list(const ResourceType& type, std::string_view ns, const ListOptions& options,
              ObjectFn fn);
  Cancel create(const ResourceType& type, std::string_view ns, const Json& object, ObjectFn fn,
                const CreateOptions& options = {});
  /// PUT; the object's resourceVersion is the precondition.
  Cancel update(const ResourceType& type, const Json& object, std::string_view subresource,
                ObjectFn fn);
  /// application/merge-patch+json.
  Cancel merge_patch(const ResourceType& type, std::string_view ns, std::string_view name,
                     const Json& patch, std::string_view subresource, ObjectFn fn);
  /// `grace_seconds` empty: the object's own.
  Cancel remove(const ResourceType& type, std::string_view ns, std::string_view name,
                const Preconditions& preconditions, std::optional<std::int64_t> grace_seconds,
                ObjectFn fn);

  /// Opens a watch of what the selectors of `options` select; the rest of it means nothing here.
  /// `fn` gets the answer with its stream, or the error. For Reflector.
  Cancel watch(const ResourceType& type, std::string_view ns, const ListOptions& options,
               const std::string& resource_version, std::chrono::seconds timeout,
               std::function<void(Result<http::Response>)> fn);

  /// Plain GET of any path, for `berth` and tests ("/version", pod logs).
  Cancel get_raw(const std::string& path, std::function<void(Result<http::Response>)> fn);

  const Config& config() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared: kept by calls under way
};

/// Turns an answer >= 400 with a Status body into an Error. `field` is the first cause's, and the
/// cause "ResourceVersionTooLarge" becomes the reason.
Error error_from_status(const http::Response& response);
/// The same for a Status object on its own: the `object` of an ERROR event in a watch.
Error error_from_status(const Json& status);

}  // namespace berth::kube
