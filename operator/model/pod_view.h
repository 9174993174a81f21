#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "berth/base/clock.h"
#include "berth/base/json.h"
#include "berth/control/slots_poller.h"
#include "operator/disruption/node_view.h"
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
  bool tls = false;        ///< Which is served over https.
  WallTime created{};
  bool ready = false;
  bool finished = false;
  bool unschedulable = false;
  bool never_started = true;
  bool never_ready = false;
  bool person_cordon = false;
  bool person_drain = false;
  std::string trouble;            ///< Why the worker's container waits, where that is bad news.
  std::string disruption_target;  ///< Reason of the condition DisruptionTarget; empty: not one.
  std::optional<WallTime> deleting_by;    ///< deletionTimestamp: the end of the grace.
  std::optional<WallTime> stopped_since;  ///< The worker's container is not running, since then.

  /// Nothing if the pod carries no pool label.
  static std::optional<PodView> from(const Json& pod);
  /// Where and as whom its worker is reached; an empty origin without an address.
  control::WorkerTarget target() const;
};

/// The pod as the planner's Worker, without slots.
Worker make_worker(const PodView& pod, const NodeState& node, const Clock& clock);

}  // namespace berth::op
