#include "gateway/creation/creation_metrics.h"

#include "berth/base/duration.h"

namespace berth::gateway {
namespace {

constexpr const char* kWaiting = "berth_gateway_sessions_waiting";

MetricLabels pool_labels(const std::string& pool_key) {
  const std::size_t slash = pool_key.find('/');
  return {{"namespace", pool_key.substr(0, slash)},
          {"pool", slash == std::string::npos ? "" : pool_key.substr(slash + 1)}};
}

}  // namespace

std::string_view to_string(CreationOutcome outcome) {
  switch (outcome) {
    case CreationOutcome::kCreated:
      return "created";
    case CreationOutcome::kRejected:
      return "rejected";
    case CreationOutcome::kUnknownPool:
      return "unknown_pool";
    case CreationOutcome::kLineFull:
      return "line_full";
    case CreationOutcome::kOwnerLimit:
      return "owner_limit";
    case CreationOutcome::kCreationTimeout:
      return "creation_timeout";
    case CreationOutcome::kCallerGone:
      return "caller_gone";
    case CreationOutcome::kFailed:
      return "failed";
    case CreationOutcome::kShuttingDown:
      return "shutting_down";
  }
  return "unknown";
}

CreationMetrics::CreationMetrics(Metrics& metrics)
    : metrics_(metrics),
      creation_seconds_(metrics.histogram("berth_gateway_session_creation_seconds",
                                          "Time from a session request to its session.",
                                          Metrics::latency_buckets())) {}

void CreationMetrics::ended(const std::string& pool_key, CreationOutcome outcome) {
  const std::string& key = outcome == CreationOutcome::kUnknownPool ? std::string() : pool_key;
  auto it = ended_.find({key, outcome});
  if (it == ended_.end()) {
    MetricLabels labels = pool_labels(key);
    labels["outcome"] = to_string(outcome);
    it = ended_
             .emplace(std::pair(key, outcome),
                      metrics_.counter("berth_gateway_session_requests_total",
                                       "Session requests by how they ended.", labels))
             .first;
  }
  it->second.inc();
}

void CreationMetrics::created_after(Duration waited) {
  creation_seconds_.observe(to_seconds(waited));
}

void CreationMetrics::waiting(const std::string& pool_key, std::size_t count) {
  auto it = waiting_.find(pool_key);
  if (it == waiting_.end()) {
    it = waiting_
             .emplace(pool_key, metrics_.gauge(kWaiting, "Session requests waiting for a slot.",
                                               pool_labels(pool_key)))
             .first;
  }
  it->second.set(static_cast<double>(count));
}

void CreationMetrics::forget(const std::string& pool_key) {
  if (waiting_.erase(pool_key) > 0) {
    metrics_.remove_gauge(kWaiting, pool_labels(pool_key));
  }
}

}  // namespace berth::gateway
