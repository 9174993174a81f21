#include "operator/controller/pool_metrics.h"

#include <array>

#include "berth/base/duration.h"

namespace berth::op {
namespace {

constexpr const char* kWorkers = "berth_pool_workers";
constexpr const char* kSlots = "berth_pool_session_slots";
constexpr const char* kWaiting = "berth_pool_sessions_waiting";
constexpr const char* kOldestDrain = "berth_pool_oldest_drain_seconds";
constexpr const char* kLimited = "berth_pool_scaling_limited";

constexpr std::array<const char*, 8> kWorkerStates{
    "desired", "ready", "starting", "cordoned", "draining", "unreadable", "terminating", "failed"};
constexpr std::array<const char*, 3> kSlotStates{"capacity", "used", "free"};
constexpr std::array kLimits{
    ScalingLimit::kMinWorkers,    ScalingLimit::kSchedule,      ScalingLimit::kMaxWorkers,
    ScalingLimit::kMaxSurge,      ScalingLimit::kUpRate,        ScalingLimit::kDownRate,
    ScalingLimit::kStabilization, ScalingLimit::kTolerance,     ScalingLimit::kWarmUp,
    ScalingLimit::kNoData,        ScalingLimit::kUnschedulable, ScalingLimit::kFailures,
    ScalingLimit::kPaused};

MetricLabels with(MetricLabels base, const std::string& key, std::string_view value) {
  base[key] = std::string(value);
  return base;
}

}  // namespace

PoolMetrics::PoolMetrics(Metrics& metrics, const Clock& clock)
    : metrics_(metrics),
      clock_(clock),
      reaction_(metrics.histogram("berth_operator_scale_reaction_seconds",
                                  "Time from the news of more demand to sending a pod create for "
                                  "it, held back by rules or not.",
                                  {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                   1, 2.5, 5, 10, 30, 60, 300})),
      drained_(metrics.histogram(
          "berth_operator_drain_duration_seconds",
          "Time from seeing that a worker takes no new session to the end of its pod.",
          Metrics::lifetime_buckets())) {
  ages_ = metrics.on_scrape([this] {
    const TimePoint now = clock_.now();
    for (auto& [key, s] : pools_) {
      s.oldest_drain.set(to_seconds(now - s.draining_since.value_or(now)));
    }
  });
}

PoolMetrics::Series& PoolMetrics::series(const std::string& ns, const std::string& pool) {
  const auto [it, fresh] = pools_.try_emplace(ns + "/" + pool);
  Series& s = it->second;
  if (fresh) {
    const MetricLabels base{{"namespace", ns}, {"pool", pool}};
    for (const char* state : kWorkerStates) {
      s.workers[state] =
          metrics_.gauge(kWorkers, "Workers of a pool by state.", with(base, "state", state));
    }
    for (const char* state : kSlotStates) {
      s.slots[state] =
          metrics_.gauge(kSlots, "Session slots of a pool by state.", with(base, "state", state));
    }
    for (const ScalingLimit limit : kLimits) {
      s.limited[limit] =
          metrics_.gauge(kLimited, "1 while this rule decides the number of workers.",
                         with(base, "reason", to_string(limit)));
    }
    s.waiting = metrics_.gauge(kWaiting, "Sessions that wait for a slot.", base);
    s.oldest_drain = metrics_.gauge(
        kOldestDrain, "Time that the worker has drained which has drained longest, 0 if none does.",
        base);
  }
  return s;
}

void PoolMetrics::update(const std::string& ns, const std::string& pool, const PoolCounts& n,
                         ScalingLimit limit) {
  Series& s = series(ns, pool);
  const std::map<std::string, std::int64_t> workers{
      {"desired", n.desired},   {"ready", n.ready},
      {"starting", n.starting}, {"cordoned", n.cordoned},
      {"draining", n.draining}, {"unreadable", n.unreadable},
      {"failed", n.failed},     {"terminating", n.terminating}};
  for (const auto& [state, value] : workers) {
    s.workers[state].set(static_cast<double>(value));
  }
  s.slots["capacity"].set(static_cast<double>(n.slots_capacity));
  s.slots["used"].set(static_cast<double>(n.slots_used));
  s.slots["free"].set(static_cast<double>(n.slots_free));
  s.waiting.set(static_cast<double>(n.waiting));
  for (auto& [which, gauge] : s.limited) {
    gauge.set(which == limit ? 1 : 0);
  }
}

void PoolMetrics::forget(const std::string& ns, const std::string& pool) {
  if (pools_.erase(ns + "/" + pool) == 0) {
    return;
  }
  const MetricLabels base{{"namespace", ns}, {"pool", pool}};
  for (const char* state : kWorkerStates) {
    metrics_.remove_gauge(kWorkers, with(base, "state", state));
  }
  for (const char* state : kSlotStates) {
    metrics_.remove_gauge(kSlots, with(base, "state", state));
  }
  for (const ScalingLimit limit : kLimits) {
    metrics_.remove_gauge(kLimited, with(base, "reason", to_string(limit)));
  }
  metrics_.remove_gauge(kWaiting, base);
  metrics_.remove_gauge(kOldestDrain, base);
}

void PoolMetrics::reaction(Duration d) {
  reaction_.observe(to_seconds(d));
}

void PoolMetrics::drained(Duration d) {
  drained_.observe(to_seconds(d));
}

void PoolMetrics::draining_since(const std::string& ns, const std::string& pool,
                                 std::optional<TimePoint> since) {
  series(ns, pool).draining_since = since;
}

}  // namespace berth::op
