#include "lib/kube/src/work_queue_metrics.h"

namespace berth::kube {
namespace {

// 10 ns times ten to the n, as client-go has them.
std::vector<double> queue_buckets() {
  std::vector<double> out;
  for (double bound = 10e-9; out.size() < 12; bound *= 10) {
    out.push_back(bound);
  }
  return out;
}

std::vector<double> reconcile_buckets() {
  return {0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
          0.7,   0.8,  0.9,   1.0,  1.25, 1.5,  1.75, 2.0,  2.5, 3.0,  3.5, 4.0,  4.5, 5,
          6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
}

}  // namespace

WorkQueueMetrics::WorkQueueMetrics(Metrics& m, const std::string& name, int concurrency) {
  const MetricLabels queue{{"name", name}, {"controller", name}};
  // The numbers that controller-runtime's own queue shows for these two.
  const auto depth = [&](const char* priority) {
    return m.gauge("workqueue_depth", "Keys ready to be worked on",
                   {{"name", name}, {"controller", name}, {"priority", priority}});
  };
  depth_news = depth("0");
  depth_bulk = depth("-100");
  adds = m.counter("workqueue_adds_total", "Keys added, merged ones not counted", queue);
  retries = m.counter("workqueue_retries_total", "Keys that come back after a failure", queue);
  waited = m.histogram("workqueue_queue_duration_seconds", "Time from ready to started",
                       queue_buckets(), queue);
  worked = m.histogram("workqueue_work_duration_seconds", "Time one key was worked on",
                       queue_buckets(), queue);
  unfinished = m.gauge("workqueue_unfinished_work_seconds",
                       "Time that running work has taken so far, all keys together", queue);
  longest = m.gauge("workqueue_longest_running_processor_seconds",
                    "How long the longest running key has been worked on", queue);

  const MetricLabels controller{{"controller", name}};
  const auto result = [&](const char* value) {
    return m.counter("controller_runtime_reconcile_total", "Reconciles by result",
                     {{"controller", name}, {"result", value}});
  };
  success = result("success");
  error = result("error");
  requeue_after = result("requeue_after");
  errors = m.counter("controller_runtime_reconcile_errors_total", "Failed reconciles", controller);
  reconcile_time = m.histogram("controller_runtime_reconcile_time_seconds", "Time of one reconcile",
                               reconcile_buckets(), controller);
  active = m.gauge("controller_runtime_active_workers", "Reconciles running now", controller);
  m.gauge("controller_runtime_max_concurrent_reconciles", "Most reconciles at a time", controller)
      .set(concurrency);
}

}  // namespace berth::kube
