#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "berth/api/ids.h"
#include "berth/base/json.h"

namespace berth::gateway {

/// What the gateway keeps of a worker's pod.
struct WorkerPod {
  std::string ns;
  std::string name;
  std::string pool;  ///< Name of its SessionPool, in the same namespace.
  api::WorkerUid uid;
  std::string ip;  ///< Empty until the pod has one.
  std::uint16_t port = 0;
  bool tls = false;  ///< It serves https.
  /// Ready as the kubelet said it last: the condition ContainersReady, or Ready where the pod has
  /// readiness gates. Ready is also taken away when a kubelet falls silent, as all do while the API
  /// server is away, and comes back up to minutes after it; a worker that has really gone does not
  /// answer, and counts as full.
  bool ready = false;
  bool deleting = false;
  bool finished = false;  ///< Phase Failed or Succeeded: no process is behind it any more.

  bool operator==(const WorkerPod&) const = default;

  /// "namespace/pool".
  std::string pool_key() const { return ns + "/" + pool; }
  /// "http://10.1.2.3:7600" or "https://...", IPv6 in brackets.
  std::string origin() const;
  /// What its certificate must be for; empty without TLS.
  std::string server_name() const;
  bool reachable() const { return !ip.empty() && !finished; }
  /// Whether new sessions may be placed on it, as far as the API server knows.
  bool in_service() const { return reachable() && ready && !deleting; }

  /// From a Pod. Nothing unless it has a pool label and a uid. The port is
  /// api::worker_port.
  static std::optional<WorkerPod> from_json(const Json& pod);
};

/// "namespace/pool", the key of a pool in all of the gateway's tables.
std::string pool_key(std::string_view ns, std::string_view pool);

}  // namespace berth::gateway
