#include "berth/kube/work_queue.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "berth/base/duration.h"
#include "lib/kube/src/work_queue_metrics.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr Duration kFirstRetry = 5ms;
constexpr Duration kLongestRetry = 60s;
constexpr Duration kGaugeInterval = 1s;

Duration retry_delay(int failures) {
  return std::min<Duration>(kFirstRetry * (std::int64_t{1} << std::min(failures, 30)),
                            kLongestRetry);
}

}  // namespace

struct WorkQueue::Impl : std::enable_shared_from_this<Impl> {
  // Travels with one Done; a Done that is dropped without a call counts as a failure.
  struct Ticket {
    std::weak_ptr<Impl> queue;
    std::string key;
    bool used = false;

    ~Ticket() { finish(ReconcileResult::error()); }
    void finish(ReconcileResult result) {
      if (const auto q = queue.lock(); q && !std::exchange(used, true)) {
        q->done(key, result);
      }
    }
  };
  struct Delayed {
    TimePoint when;
    Cancel timer;
  };
  struct Due {
    std::string key;
    TimePoint since;
  };
  struct Place {
    Urgency urgency;
    std::uint64_t number;  // in the order of adds
  };
  using Queue = std::map<std::uint64_t, Due>;

  Impl(EventLoop& l, const std::string& name, int workers, Metrics& metrics, Reconcile fn)
      : loop(l),
        concurrency(static_cast<std::size_t>(std::max(workers, 1))),
        reconcile(std::move(fn)),
        series(metrics, name, workers) {}

  TimePoint now() const { return loop.clock().now(); }

  void add(const std::string& key, Urgency urgency) {
    if (stopping) {
      return;
    }
    const auto [it, fresh] = dirty.try_emplace(key, Place{urgency, ++added});
    if (!fresh) {
      make_more_urgent(it->second, urgency);
      return;
    }
    series.adds.inc();
    delayed.erase(key);
    if (!processing.contains(key)) {
      push(key, it->second);
    }
  }

  void make_more_urgent(Place& place, Urgency urgency) {
    if (urgency != Urgency::kNews || place.urgency == Urgency::kNews) {
      return;
    }
    place.urgency = urgency;
    news.insert(bulk.extract(place.number));
    show_depth();
  }

  Queue& queue_of(Urgency urgency) { return urgency == Urgency::kNews ? news : bulk; }

  void add_after(const std::string& key, Duration delay) {
    if (delay <= Duration::zero()) {
      add(key, Urgency::kNews);
      return;
    }
    const TimePoint when = now() + delay;
    const auto it = delayed.find(key);
    if (stopping || dirty.contains(key) || (it != delayed.end() && it->second.when <= when)) {
      return;
    }
    delayed[key] = Delayed{when, loop.call_at(when, [this, key] {
                             // The entry holds this very timer: keep it until the end of the call.
                             const auto entry = delayed.extract(key);
                             add(entry.key(), Urgency::kNews);
                           })};
  }

  void push(const std::string& key, const Place& place) {
    queue_of(place.urgency).emplace(place.number, Due{key, now()});
    show_depth();
    pump_soon();
  }

  void show_depth() {
    series.depth_news.set(static_cast<double>(news.size()));
    series.depth_bulk.set(static_cast<double>(bulk.size()));
  }

  void pump_soon() {
    if (!started || pumping || stopping) {
      return;
    }
    pumping = true;
    loop.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->pumping = false;
        self->pump();
      }
    });
  }

  void pump() {
    for (std::size_t begun = 0; begun < concurrency && may_begin(); ++begun) {
      Queue& from = news.empty() ? bulk : news;
      auto due = from.extract(from.begin());
      const auto [key, since] = std::move(due.mapped());
      show_depth();
      series.waited.observe(to_seconds(now() - since));
      dirty.erase(key);
      processing.emplace(key, now());
      series.active.set(static_cast<double>(processing.size()));
      watch_running();
      auto ticket = std::make_shared<Ticket>();
      ticket->queue = weak_from_this();
      ticket->key = key;
      reconcile(key, [ticket = std::move(ticket)](ReconcileResult r) { ticket->finish(r); });
    }
    if (may_begin()) {
      pump_soon();
    }
  }

  bool may_begin() const {
    return !stopping && processing.size() < concurrency && !(news.empty() && bulk.empty());
  }

  void done(const std::string& key, const ReconcileResult& result) {
    const auto it = processing.find(key);
    const double took = to_seconds(now() - it->second);
    processing.erase(it);
    series.worked.observe(took);
    series.reconcile_time.observe(took);
    series.active.set(static_cast<double>(processing.size()));
    count(result);
    if (stopping) {
      tell_if_idle();
      return;
    }
    if (const auto again = dirty.find(key); again != dirty.end()) {
      push(key, again->second);
    }
    if (result.failed) {
      const Duration backoff = retry_delay(failures[key]++);
      add_after(key, std::max(backoff, result.requeue_after.value_or(Duration::zero())));
    } else {
      failures.erase(key);
      if (result.requeue_after) {
        add_after(key, *result.requeue_after);
      }
    }
    pump_soon();
  }

  void count(const ReconcileResult& result) {
    if (result.failed) {
      series.error.inc();
      series.errors.inc();
      series.retries.inc();
    } else if (result.requeue_after) {
      series.requeue_after.inc();
    } else {
      series.success.inc();
    }
  }

  void stop(std::function<void()> on_idle) {
    stopping = true;
    news.clear();
    bulk.clear();
    dirty.clear();
    delayed.clear();
    show_depth();
    waiting.push_back(std::move(on_idle));
    tell_if_idle();
  }

  void tell_if_idle() {
    if (!processing.empty()) {
      return;
    }
    for (auto& fn : std::exchange(waiting, {})) {
      if (fn) {
        loop.post(std::move(fn));
      }
    }
  }

  Duration longest_running() const {
    Duration longest{0};
    for (const auto& [key, since] : processing) {
      longest = std::max(longest, now() - since);
    }
    return longest;
  }

  // Runs only while something does, so that an idle queue wakes nobody.
  void watch_running() {
    if (!gauge_timer) {
      gauge_timer = loop.call_after(kGaugeInterval, [this] {
        const Cancel own = std::move(gauge_timer);
        Duration all{0};
        for (const auto& [key, since] : processing) {
          all += now() - since;
        }
        series.unfinished.set(to_seconds(all));
        series.longest.set(to_seconds(longest_running()));
        if (!processing.empty()) {
          watch_running();
        }
      });
    }
  }

  EventLoop& loop;
  std::size_t concurrency;
  Reconcile reconcile;
  WorkQueueMetrics series;
  bool started = false;
  bool stopping = false;
  bool pumping = false;
  std::uint64_t added = 0;
  Queue news;
  Queue bulk;
  std::unordered_map<std::string, Place> dirty;  // what needs work, with its place in those
  std::unordered_map<std::string, TimePoint> processing;
  std::unordered_map<std::string, int> failures;
  std::unordered_map<std::string, Delayed> delayed;
  std::vector<std::function<void()>> waiting;
  Cancel gauge_timer;
};

WorkQueue::WorkQueue(EventLoop& loop, const std::string& name, int concurrency, Metrics& metrics,
                     Reconcile reconcile)
    : impl_(std::make_shared<Impl>(loop, name, concurrency, metrics, std::move(reconcile))) {}

WorkQueue::~WorkQueue() {
  impl_->stop(nullptr);
}

void WorkQueue::start() {
  impl_->started = true;
  impl_->pump_soon();
}

void WorkQueue::stop(std::function<void()> on_idle) {
  impl_->stop(std::move(on_idle));
}
void WorkQueue::add(const std::string& key, Urgency urgency) {
  impl_->add(key, urgency);
}
void WorkQueue::add_after(const std::string& key, Duration delay) {
  impl_->add_after(key, delay);
}
std::size_t WorkQueue::depth() const {
  return impl_->news.size() + impl_->bulk.size();
}
Duration WorkQueue::longest_running() const {
  return impl_->longest_running();
}

}  // namespace berth::kube
