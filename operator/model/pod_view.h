#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "berth/base/clock.h"
#include "berth/base/json.h"
#include "operator/model/observed.h"

namespace berth::op {

/// What the operator keeps of a pod: about 400 bytes instead of the 9 KB that the API server sends.
struct PodView {
  std::string name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  std::string pool;      ///< Label berth.dev/pool.
  std::string revision;  ///< Label berth.dev/revision.
  std::string controller_uid;
  std::string node;
  std::string ip;
  std::uint16_t port = 0;  ///< Of the session API.
  WallTime created{};
  bool ready = false;
  bool finished = false;
  bool unschedulable = false;
  bool never_started = true;
  bool person_cordon = false;
  std::optional<WallTime> deleting_by;    ///< deletionTimestamp: the end of the grace.
  std::optional<WallTime> stopped_since;  ///< The worker's container is not running, since then.

  /// Nothing if the pod carries no pool label.
  static std::optional<PodView> from(const Json& pod);
  /// "http://10.1.2.3:7600", or empty without an address.
  std::string origin() const;
};

/// What the operator keeps of a node.
struct NodeView {
  bool ready = false;           ///< Its kubelet heartbeats.
  bool out_of_service = false;  ///< Taint node.kubernetes.io/out-of-service.

  static std::optional<NodeView> from(const Json& node);
};

/// The pod as the planner's Worker, without slots. `node` null: unknown. `nodes_known`: the list of
/// nodes is complete, so that an absent node is a lost one.
Worker make_worker(const PodView& pod, const NodeView* node, bool nodes_known, const Clock& clock);

}  // namespace berth::op
