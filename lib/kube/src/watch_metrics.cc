#include "lib/kube/src/watch_metrics.h"

namespace berth::kube {

WatchMetrics::WatchMetrics(Metrics& m, const std::string& resource, const std::string& scope) {
  const MetricLabels labels{{"resource", resource}};
  silence = m.gauge("berth_kube_watch_silence_seconds",
                    "Time since the API server last said anything about this resource",
                    {{"resource", resource}, {"scope", scope}});
  lists = m.counter("berth_kube_lists_total", "Lists begun, the first one included", labels);
  failures = m.counter("berth_kube_watch_failures_total",
                       "Lists and watches that ended in an error", labels);
}

}  // namespace berth::kube
