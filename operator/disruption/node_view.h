#pragma once

#include <optional>
#include <string>

#include "berth/base/clock.h"
#include "berth/base/json.h"

namespace berth::op {

/// What the operator keeps of a node.
struct NodeView {
  /// Its kubelet heartbeats: the condition Ready is True. The node controller keeps it so from the
  /// node's Lease (kube-node-lease), at most 40 to 50 s behind, so the node object is all we watch:
  /// it changes every 5 minutes, a Lease every 10 s.
  bool ready = false;
  bool out_of_service = false;  ///< Taint node.kubernetes.io/out-of-service: it will not come back.
  bool hinted = false;          ///< The cluster autoscaler thinks of removing it.
  std::string leaving;          ///< Why its pods must go ("is cordoned"); empty: it stays.

  static std::optional<NodeView> from(const Json& node);
  bool operator==(const NodeView&) const = default;
};

/// A node as one pod's judge sees it. Neither `view` nor `gone`: nothing is known.
struct NodeState {
  const NodeView* view = nullptr;
  bool gone = false;  ///< The API server has said so on being asked, not just a cache.
  /// When we first saw that it leaves. A pod that came to it later was put there by its template's
  /// tolerations and would only come back if it were moved: it stays.
  std::optional<TimePoint> leaving_since = std::nullopt;
};

}  // namespace berth::op
