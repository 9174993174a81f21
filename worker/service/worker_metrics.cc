#include "worker/service/worker_metrics.h"

#include "berth/base/duration.h"

namespace berth::worker {
namespace {

constexpr std::string_view kRejections[] = {
    "OwnerLimit",         "AttemptGivenBack", "NoFreeSlot",         "Cordoned",
    "Draining",           "Retired",          "SessionIdTaken",     "SessionEnded",
    "ResourceNotOffered", "InvalidArgument",  "JournalUnavailable", "Other"};
constexpr api::EndReason kEndReasons[] = {
    api::EndReason::kCompleted,   api::EndReason::kLeaseExpired,  api::EndReason::kExecutionTimeout,
    api::EndReason::kIdleTimeout, api::EndReason::kDrainDeadline, api::EndReason::kWorkerShutdown,
    api::EndReason::kGivenBack,   api::EndReason::kHostRestarted};
constexpr std::string_view kTokenRefusals[] = {"Unauthenticated", "TokenMismatch", "InvalidToken",
                                               "UnknownKey",      "TokenExpired",  "WrongAudience",
                                               "WrongScope"};

}  // namespace

WorkerMetrics::WorkerMetrics(Metrics& metrics)
    : metrics_(metrics),
      open_(metrics.gauge("berth_worker_sessions_open", "Sessions open or ending on this worker.")),
      cordoned_(
          metrics.gauge("berth_worker_cordoned", "1 while this worker takes no new session.")),
      stuck_(metrics.gauge("berth_worker_activities_stuck",
                           "Activities that were told to stop, had their grace and still run.")),
      created_(metrics.counter("berth_worker_sessions_created_total", "Sessions opened.")),
      stall_seconds_(
          metrics.counter("berth_worker_stall_seconds_total",
                          "Time in which the worker was held up and leases were extended.")),
      duration_(metrics.histogram("berth_worker_session_duration_seconds",
                                  "Time from opening a session to the end of its last activity.",
                                  Metrics::lifetime_buckets())) {
  for (const api::EndReason reason : kEndReasons) {
    ended_[reason] =
        metrics.counter("berth_worker_sessions_ended_total", "Sessions that ended, by reason.",
                        {{"reason", std::string(api::to_string(reason))}});
  }
  for (const std::string_view reason : kRejections) {
    rejections_[std::string(reason)] = metrics.counter("berth_worker_session_rejections_total",
                                                       "Requests for a session that were refused.",
                                                       {{"reason", std::string(reason)}});
  }
  for (const std::string_view reason : kTokenRefusals) {
    refused_tokens_[std::string(reason)] = metrics.counter(
        "berth_worker_tokens_refused_total", "Calls whose session or control token was refused.",
        {{"reason", std::string(reason)}});
  }
}

void WorkerMetrics::show(const api::Slots& slots, std::int64_t open) {
  open_.set(static_cast<double>(open));
  cordoned_.set(slots.admits() ? 0 : 1);
  for (const auto& [name, capacity] : slots.capacity) {
    auto it = slots_.find(name);
    if (it == slots_.end()) {
      const MetricLabels labels = {{"resource", name}};
      it = slots_
               .emplace(name,
                        std::pair(metrics_.gauge(
                                      "berth_worker_session_slots",
                                      "What this worker offers to sessions, by resource.", labels),
                                  metrics_.gauge("berth_worker_session_slots_used",
                                                 "What sessions use, by resource.", labels)))
               .first;
    }
    it->second.first.set(static_cast<double>(capacity));
    const auto used = slots.used.find(name);
    it->second.second.set(used == slots.used.end() ? 0 : static_cast<double>(used->second));
  }
}

void WorkerMetrics::ended(api::EndReason reason, Duration lasted) {
  ended_.at(reason).inc();
  duration_.observe(to_seconds(lasted));
}

void WorkerMetrics::rejected(std::string_view reason) {
  auto it = rejections_.find(reason);
  if (it == rejections_.end()) {
    it = rejections_.find("Other");
  }
  it->second.inc();
}

void WorkerMetrics::token_refused(std::string_view reason) {
  auto it = refused_tokens_.find(reason);
  if (it == refused_tokens_.end()) {
    it = refused_tokens_.find("InvalidToken");
  }
  it->second.inc();
}

void WorkerMetrics::activity_started(const std::string& type) {
  auto it = running_.find(type);
  if (it == running_.end()) {
    it = running_
             .emplace(type, metrics_.gauge("berth_worker_activities_running",
                                           "Activities that run, by type.", {{"type", type}}))
             .first;
  }
  it->second.add(1);
}

void WorkerMetrics::activity_finished(const std::string& type, api::ActivityState outcome,
                                      Duration lasted) {
  if (const auto it = running_.find(type); it != running_.end()) {
    it->second.add(-1);
  }
  auto it = activity_duration_.find({type, outcome});
  if (it == activity_duration_.end()) {
    it = activity_duration_
             .emplace(std::pair(type, outcome),
                      metrics_.histogram(
                          "berth_worker_activity_duration_seconds",
                          "Time from accepting an activity to its real stop.",
                          Metrics::latency_buckets(),
                          {{"type", type}, {"outcome", std::string(api::to_string(outcome))}}))
             .first;
  }
  it->second.observe(to_seconds(lasted));
}

void WorkerMetrics::stalled(Duration d) const {
  stall_seconds_.inc(to_seconds(d));
}

}  // namespace berth::worker
