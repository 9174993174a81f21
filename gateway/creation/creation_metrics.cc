#include "gateway/creation/creation_metrics.h"

#include "berth/base/duration.h"

namespace berth::gateway {
namespace {

constexpr const char* kWaiting = "berth_gateway_sessions_waiting";
constexpr const char* kOldest = "berth_gateway_oldest_wait_seconds";
constexpr CreationOutcome kOfPools[] = {
    CreationOutcome::kCreated,    CreationOutcome::kRejected,        CreationOutcome::kLineFull,
    CreationOutcome::kOwnerLimit, CreationOutcome::kCreationTimeout, CreationOutcome::kCallerGone,
    CreationOutcome::kFailed,     CreationOutcome::kShuttingDown};

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
                                          Metrics::latency_buckets())) {
  counter("", CreationOutcome::kUnknownPool);
}

Counter& CreationMetrics::counter(const std::string& pool_key, CreationOutcome outcome) {
  const auto [it, fresh] = ended_.try_emplace({pool_key, outcome});
  if (fresh) {
    MetricLabels labels = pool_labels(pool_key);
    labels["outcome"] = to_string(outcome);
    it->second = metrics_.counter("berth_gateway_session_requests_total",
                                  "Session requests by how they ended.", labels);
  }
  return it->second;
}

void CreationMetrics::known(const std::string& pool_key) {
  for (const CreationOutcome outcome : kOfPools) {
    counter(pool_key, outcome);
  }
  gauges(pool_key);
}

void CreationMetrics::ended(const std::string& pool_key, CreationOutcome outcome) {
  counter(outcome == CreationOutcome::kUnknownPool ? std::string() : pool_key, outcome).inc();
}

void CreationMetrics::created_after(Duration waited) {
  creation_seconds_.observe(to_seconds(waited));
}

CreationMetrics::PoolGauges& CreationMetrics::gauges(const std::string& pool_key) {
  const auto [it, fresh] = gauges_.try_emplace(pool_key);
  if (fresh) {
    const MetricLabels labels = pool_labels(pool_key);
    it->second.waiting = metrics_.gauge(kWaiting, "Session requests waiting for a slot.", labels);
    it->second.oldest = metrics_.gauge(
        kOldest, "Age of the session request that has waited longest, 0 if none waits.", labels);
  }
  return it->second;
}

void CreationMetrics::waiting(const std::string& pool_key, std::size_t count) {
  gauges(pool_key).waiting.set(static_cast<double>(count));
}

void CreationMetrics::oldest_wait(const std::string& pool_key, Duration age) {
  gauges(pool_key).oldest.set(to_seconds(age));
}

void CreationMetrics::forget(const std::string& pool_key) {
  if (gauges_.erase(pool_key) > 0) {
    metrics_.remove_gauge(kWaiting, pool_labels(pool_key));
    metrics_.remove_gauge(kOldest, pool_labels(pool_key));
  }
}

}  // namespace berth::gateway
