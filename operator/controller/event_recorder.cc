#include "operator/controller/event_recorder.h"

#include <set>
#include <utility>
#include <vector>

namespace berth::op {
namespace {

constexpr std::size_t kMostInFlight = 32;
constexpr Duration kFlushPatience = std::chrono::seconds(2);
constexpr std::size_t kMostSeries = 4096;
constexpr Duration kSeriesQuiet = std::chrono::minutes(6);
constexpr Duration kSeriesEvery = std::chrono::minutes(1);

struct Series {
  std::string name;
  std::int64_t count = 1;
  TimePoint last_seen{};
  TimePoint last_written{};
};

}  // namespace

struct EventRecorder::Impl {
  EventLoop& loop;
  kube::Client& client;
  Random& random;
  std::string instance;
  Log log;
  Counter dropped;
  std::map<std::string, Series> series;
  std::map<std::uint64_t, Cancel> calls;
  std::uint64_t last_call = 0;
  std::function<void()> flushed;
  Cancel flush_timer;

  void send(const std::string& key, const std::function<Cancel(kube::Client::ObjectFn)>& call) {
    if (calls.size() >= kMostInFlight) {
      dropped.inc();
      log.warn("event dropped: too many on their way");
      return;
    }
    const std::uint64_t id = ++last_call;
    calls[id] = call([this, id, key](const Result<Json>& r) {
      if (!r) {
        log.info("event not written", {{"error", r.error()}});
        if (r.error().code == ErrorCode::kNotFound) {
          series.erase(key);  // The server keeps events for an hour only: the next is a new one.
        }
      }
      auto node = calls.extract(id);
      node.mapped().release();
      if (calls.empty() && flushed) {
        end_flush();
      }
    });
  }

  void end_flush() {
    flush_timer.cancel();
    if (auto done = std::exchange(flushed, nullptr)) {
      loop.post(std::move(done));
    }
  }

  void forget_quiet() {
    const TimePoint horizon = loop.clock().now() - kSeriesQuiet;
    std::erase_if(series, [&](const auto& s) { return s.second.last_seen < horizon; });
  }
};

EventRecorder::EventRecorder(EventLoop& loop, kube::Client& client, Random& random,
                             std::string instance, Log log, Metrics& metrics)
    : impl_(new Impl{
          loop,
          client,
          random,
          std::move(instance),
          std::move(log),
          metrics.counter("berth_operator_events_dropped_total",
                          "Kubernetes events not written because too many were on their way."),
          {},
          {},
          0,
          {},
          {}}) {}
EventRecorder::~EventRecorder() = default;

void EventRecorder::flush(std::function<void()> done) {
  impl_->flushed = std::move(done);
  if (impl_->calls.empty()) {
    impl_->end_flush();
    return;
  }
  impl_->flush_timer = impl_->loop.call_after(kFlushPatience, [this] { impl_->end_flush(); });
}

void EventRecorder::record(const Regarding& about, std::string reason, std::string message,
                           bool warning) {
  const TimePoint now = impl_->loop.clock().now();
  const std::string time = format_rfc3339_micro(impl_->loop.clock().wall_now());
  message.resize(std::min<std::size_t>(message.size(), 1024));
  impl_->forget_quiet();
  const std::string key = about.kind + "/" + about.ns + "/" + about.name + "/" + about.uid + "/" +
                          reason + (warning ? "!" : "");
  const auto old = impl_->series.find(key);
  if (old != impl_->series.end()) {
    Series& s = old->second;
    ++s.count;
    s.last_seen = now;
    if (now - s.last_written >= kSeriesEvery) {
      s.last_written = now;
      const Json patch = {{"note", message},
                          {"series", {{"count", s.count}, {"lastObservedTime", time}}}};
      impl_->send(key, [&](kube::Client::ObjectFn fn) {
        return impl_->client.merge_patch(kube::kEvents, about.ns, s.name, patch, "", std::move(fn));
      });
    }
    return;
  }
  if (impl_->series.size() >= kMostSeries) {
    impl_->dropped.inc();
    return;
  }
  const std::string name = about.name + "." + impl_->random.name(12);
  impl_->series[key] = {name, 1, now, now};
  const Json event = {{"apiVersion", "events.k8s.io/v1"},
                      {"kind", "Event"},
                      {"metadata", {{"name", name}, {"namespace", about.ns}}},
                      {"eventTime", time},
                      {"reportingController", "berth.dev/operator"},
                      {"reportingInstance", impl_->instance},
                      {"action", reason},
                      {"reason", reason},
                      {"type", warning ? "Warning" : "Normal"},
                      {"note", std::move(message)},
                      {"regarding",
                       {{"apiVersion", about.api_version},
                        {"kind", about.kind},
                        {"namespace", about.ns},
                        {"name", about.name},
                        {"uid", about.uid}}}};
  impl_->send(key, [&](kube::Client::ObjectFn fn) {
    return impl_->client.create(kube::kEvents, about.ns, event, std::move(fn));
  });
}

}  // namespace berth::op
