#pragma once

#include <map>
#include <string>

#include "berth/observe/metrics.h"

namespace berth::temporal {

/// Why a session ended, as logs and metrics call it.
enum class End {
  kCompleted,  ///< By CompleteSession.
  kCancelled,  ///< The workflow cancelled the context of its session.
  kGone,       ///< The workflow is over, or Temporal timed the session out.
  kLost,       ///< The Berth session ended: its worker died, or a limit of the pool.
  kRefused,    ///< Temporal did not take the answer that the session is open.
  kShutdown,   ///< This process was told to stop, and its grace is over.
};
std::string to_string(End end);

/// The metrics of one engine, under "berth_temporal_". Default-constructed ones count nothing.
struct EngineMetrics {
  EngineMetrics() = default;
  explicit EngineMetrics(Metrics& metrics);

  Gauge sessions_open;
  Gauge sessions_waiting;  ///< As Temporal counts them, about.
  Gauge slots_reserved;    ///< Sessions opened, or asked for, that have no workflow yet.
  Counter sessions_created;
  std::map<End, Counter> sessions_ended;
  Counter reservations_unused;  ///< Given back since no workflow came for them.
  Counter reservations_failed;
  Gauge activities_running;
  std::map<std::string, Counter> activities_ended;  ///< By outcome.
  Gauge temporal_up;                                ///< 1: the last look at the queue was answered.
};

}  // namespace berth::temporal
