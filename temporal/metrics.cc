#include "temporal/metrics.h"

namespace berth::temporal {

std::string to_string(End end) {
  switch (end) {
    case End::kCompleted:
      return "Completed";
    case End::kCancelled:
      return "Cancelled";
    case End::kGone:
      return "WorkflowGone";
    case End::kLost:
      return "SessionLost";
    case End::kRefused:
      return "SignalRefused";
    case End::kShutdown:
      return "Shutdown";
  }
  return "Unknown";
}

EngineMetrics::EngineMetrics(Metrics& metrics)
    : sessions_open(
          metrics.gauge("berth_temporal_sessions_open", "Sessions of workflows that are open")),
      sessions_waiting(
          metrics.gauge("berth_temporal_sessions_waiting",
                        "Requests for sessions in Temporal's queue, as it estimates them")),
      slots_reserved(metrics.gauge(
          "berth_temporal_slots_reserved",
          "Slots asked for or held for waiting requests, not yet given to a workflow")),
      sessions_created(
          metrics.counter("berth_temporal_sessions_created_total", "Sessions given to workflows")),
      reservations_unused(
          metrics.counter("berth_temporal_reservations_unused_total",
                          "Slots given back because the request that they were for had gone")),
      reservations_failed(metrics.counter("berth_temporal_reservations_failed_total",
                                          "Slots that the pool did not give")),
      activities_running(
          metrics.gauge("berth_temporal_activities_running", "Activities that run in sessions")),
      temporal_up(metrics.gauge("berth_temporal_server_up",
                                "1 if Temporal answered the last look at the queue")) {
  for (const End end :
       {End::kCompleted, End::kCancelled, End::kGone, End::kLost, End::kRefused, End::kShutdown}) {
    sessions_ended.emplace(
        end, metrics.counter("berth_temporal_sessions_ended_total", "Sessions that ended",
                             {{"reason", to_string(end)}}));
  }
  for (const char* outcome : {"Completed", "Failed", "Cancelled", "SessionLost"}) {
    activities_ended.emplace(
        outcome, metrics.counter("berth_temporal_activities_ended_total", "Activities that ended",
                                 {{"outcome", outcome}}));
  }
}

}  // namespace berth::temporal
