#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"

namespace prometheus {
class Registry;
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace berth {

using MetricLabels = std::map<std::string, std::string>;

/// Handles to one time series each. Cheap to copy; valid as long as the Metrics they came from.
/// Thread-safe.
class Counter {
 public:
  void inc(double by = 1) const;

 private:
  friend class Metrics;
  prometheus::Counter* series_ = nullptr;
};
class Gauge {
 public:
  void set(double value) const;
  void add(double by) const;
  double value() const;

 private:
  friend class Metrics;
  prometheus::Gauge* series_ = nullptr;
};
class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Metrics;
  prometheus::Histogram* series_ = nullptr;
};

/// A program's metrics: a prometheus-cpp registry and the text that /metrics answers. Handles that
/// were never given a series (default-constructed) do nothing, so parts can be tested without
/// metrics.
///
/// Ask for a handle once and keep it: the look-up costs half a microsecond, an increment five
/// nanoseconds. Labels come from enums or the pool's own bounded lists; never ids, pod names or
/// anything a caller chose.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help,
                  const MetricLabels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram histogram(const std::string& name, const std::string& help,
                      const std::vector<double>& buckets, const MetricLabels& labels = {});
  /// Takes a gauge series away again, for series that follow an object's life (a pool). Its handles
  /// are dead after.
  void remove_gauge(const std::string& name, const MetricLabels& labels);
  /// `<prefix>_build_info{version}` = 1 and the usual process_* gauges, read at each scrape.
  void add_process_metrics(const std::string& program);

  /// Runs at each text(), on its thread, before anything is read: for values that are as old as the
  /// question, such as an age. Until the handle is destroyed. On the thread of text() only.
  Cancel on_scrape(std::function<void()> refresh);

  /// Prometheus text format 0.0.4.
  std::string text() const;

  /// 1 ms to 60 s, for latencies.
  static std::vector<double> latency_buckets();
  /// 1 s to 1 day, for lifetimes.
  static std::vector<double> lifetime_buckets();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth
