#include "berth/observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "process_stats.h"

namespace berth {
namespace {

// The names of metrics are constants of our programs: a bad one is a bug, and the first run of any
// test finds it.
[[noreturn]] void die(const std::string& name, const std::string& why) {
  std::fprintf(stderr, "metric '%s' %s\n", name.c_str(), why.c_str());
  std::abort();
}

bool is_word(std::string_view text, std::string_view extra) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           extra.find(c) != std::string_view::npos;
  };
  return !text.empty() && letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void check_names(const std::string& name, const MetricLabels& labels) {
  if (!is_word(name, "_:")) {
    die(name, "is not a valid metric name");
  }
  for (const auto& [label, value] : labels) {
    if (!is_word(label, "_") || label.starts_with("__") || label == "le" || label == "quantile") {
      die(name, "has the invalid label name '" + label + "'");
    }
  }
}

template <class T>
struct Family {
  prometheus::Family<T>* family = nullptr;
  std::vector<double> buckets;
};
using AnyFamily = std::variant<Family<prometheus::Counter>, Family<prometheus::Gauge>,
                               Family<prometheus::Histogram>>;

struct ProcessSeries {
  Counter cpu;
  Gauge resident, virtual_memory, start_time, threads, open_fds, max_fds;
  double cpu_seen = 0;
};

}  // namespace

void Counter::inc(double by) const {
  if (series_ != nullptr) {
    series_->Increment(by);
  }
}
void Gauge::set(double value) const {
  if (series_ != nullptr) {
    series_->Set(value);
  }
}
void Gauge::add(double by) const {
  if (series_ != nullptr) {
    series_->Increment(by);
  }
}
double Gauge::value() const {
  return series_ != nullptr ? series_->Value() : 0;
}
void Histogram::observe(double value) const {
  if (series_ != nullptr) {
    series_->Observe(value);
  }
}

struct Metrics::Impl {
  // Finds or adds the family `name`; `builder` is prometheus::BuildCounter and so on.
  template <class T, class Builder>
  Family<T>& family(const std::string& name, const std::string& help, const Builder& builder) {
    const auto it = families.find(name);
    if (it != families.end()) {
      auto* found = std::get_if<Family<T>>(&it->second);
      if (found == nullptr) {
        die(name, "was registered before with another type");
      }
      return *found;
    }
    auto& added = builder().Name(name).Help(help).Register(registry);
    return std::get<Family<T>>(families.emplace(name, Family<T>{&added, {}}).first->second);
  }

  void refresh_process() {
    const std::lock_guard lock(mutex);
    if (!process) {
      return;
    }
    const auto now = observe::read_process_stats();
    process->cpu.inc(std::max(0.0, now.cpu_seconds - process->cpu_seen));
    process->cpu_seen = std::max(now.cpu_seconds, process->cpu_seen);
    process->resident.set(now.resident_bytes);
    process->virtual_memory.set(now.virtual_bytes);
    process->start_time.set(now.start_time_seconds);
    process->threads.set(now.threads);
    process->open_fds.set(now.open_fds);
    process->max_fds.set(now.max_fds);
  }

  prometheus::Registry registry;
  std::mutex mutex;
  std::map<std::string, AnyFamily> families;
  std::optional<ProcessSeries> process;
  // Those who print and those who ask to be told are one thread: see on_scrape().
  using Refreshers = std::map<std::uint64_t, std::function<void()>>;
  std::shared_ptr<Refreshers> refreshers = std::make_shared<Refreshers>();
  std::uint64_t last_refresher = 0;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help,
                         const MetricLabels& labels) {
  check_names(name, labels);
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->family<prometheus::Counter>(name, help, prometheus::BuildCounter);
  Counter handle;
  handle.series_ = &family.family->Add(labels);
  return handle;
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  check_names(name, labels);
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->family<prometheus::Gauge>(name, help, prometheus::BuildGauge);
  Gauge handle;
  handle.series_ = &family.family->Add(labels);
  return handle;
}

Histogram Metrics::histogram(const std::string& name, const std::string& help,
                             const std::vector<double>& buckets, const MetricLabels& labels) {
  check_names(name, labels);
  if (buckets.empty() ||
      std::adjacent_find(buckets.begin(), buckets.end(), std::greater_equal<>()) != buckets.end()) {
    die(name, "needs buckets in rising order");
  }
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->family<prometheus::Histogram>(name, help, prometheus::BuildHistogram);
  if (family.buckets.empty()) {
    family.buckets = buckets;
  } else if (family.buckets != buckets) {
    die(name, "was registered before with other buckets");
  }
  Histogram handle;
  handle.series_ = &family.family->Add(labels, buckets);
  return handle;
}

void Metrics::remove_gauge(const std::string& name, const MetricLabels& labels) {
  const std::lock_guard lock(impl_->mutex);
  const auto it = impl_->families.find(name);
  if (it == impl_->families.end()) {
    return;
  }
  auto* gauges = std::get_if<Family<prometheus::Gauge>>(&it->second);
  if (gauges == nullptr) {
    die(name, "is no gauge");
  }
  if (gauges->family->Has(labels)) {
    gauges->family->Remove(&gauges->family->Add(labels));
  }
}

void Metrics::add_process_metrics(const std::string& program) {
  std::string prefix = program;
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  gauge(prefix + "_build_info", "Constant 1, with the version as label.",
        {{"version", BERTH_VERSION}})
      .set(1);
  ProcessSeries s;
  s.cpu = counter("process_cpu_seconds_total", "User and system CPU time spent in seconds.");
  s.resident = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  s.virtual_memory = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
  s.start_time =
      gauge("process_start_time_seconds", "Start time of the process, in seconds of Unix time.");
  s.threads = gauge("process_threads", "Number of threads.");
  s.open_fds = gauge("process_open_fds", "Number of open file descriptors.");
  s.max_fds = gauge("process_max_fds", "Maximum number of open file descriptors.");
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->process) {
    impl_->process = s;
  }
}

Cancel Metrics::on_scrape(std::function<void()> refresh) {
  const auto number = ++impl_->last_refresher;
  (*impl_->refreshers)[number] = std::move(refresh);
  return Cancel([weak = std::weak_ptr(impl_->refreshers), number] {
    if (const auto refreshers = weak.lock()) {
      refreshers->erase(number);
    }
  });
}

std::string Metrics::text() const {
  impl_->refresh_process();
  for (const auto& [_, refresh] : *impl_->refreshers) {
    refresh();
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

std::vector<double> Metrics::latency_buckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

std::vector<double> Metrics::lifetime_buckets() {
  return {1, 5, 15, 60, 300, 900, 3600, 10'800, 21'600, 43'200, 86'400};
}

}  // namespace berth
