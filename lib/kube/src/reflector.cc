#include "berth/kube/reflector.h"

#include <algorithm>

#include "berth/base/duration.h"
#include "berth/base/memory.h"
#include "berth/kube/object.h"
#include "lib/kube/src/chunk_pump.h"
#include "lib/kube/src/selection.h"
#include "lib/kube/src/watch_metrics.h"
#include "lib/kube/src/watch_policy.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr Duration kSilenceGrace = 5s;
constexpr Duration kShortWatch = 1s;
constexpr Duration kQuietTime = 2min;  // without trouble, then the backoff begins anew
// No load for a server that is away, and what follows its return must not wait for half a minute.
constexpr Backoff::Settings kUnreached{.initial = 800ms, .max = 5s};
constexpr Duration kGaugeInterval = 15s;
constexpr Duration kTrimAfterList = 5s;
constexpr std::int64_t kPageSize = 500;
constexpr int kMaxPages = 2000;

Error bad_list(std::string message) {
  return Error::make(ErrorCode::kInternal, "BadList", std::move(message));
}

}  // namespace

struct ReflectorCore::Impl : std::enable_shared_from_this<Impl> {
  Impl(EventLoop& l, Client& c, Random& r, ResourceType t, ReflectorSettings s, const Log& lg,
       Metrics& m, Events e)
      : loop(l),
        client(c),
        random(r),
        type(t),
        settings(std::move(s)),
        log(lg.with({{"resource", std::string(t.plural)},
                     {"namespace", settings.ns.empty() ? "*" : settings.ns}})),
        events(std::move(e)),
        backoff(settings.backoff, r),
        unreached(kUnreached, r),
        series(m, std::string(t.plural) + (settings.name.empty() ? "" : "/" + settings.name),
               settings.ns.empty() ? "*" : settings.ns) {}

  TimePoint now() const { return loop.clock().now(); }

  // Whatever was begun before this belongs to the past and must not be heard any more.
  std::uint64_t turn_over() {
    call.cancel();
    retry.cancel();
    silence_timer.cancel();
    pump.reset();
    return ++turn;
  }
  // For every callback: true while it still belongs to the present.
  bool current(std::uint64_t t) const { return running && turn == t; }

  void start() {
    if (running) {
      return;
    }
    running = true;
    heard_at = now();
    backoff.reset();
    unreached.reset();
    update_gauge();
    begin_list(kPageSize);
  }

  void stop() {
    running = false;
    turn_over();
    gauge_timer.cancel();
    trim_timer.cancel();
  }

  // Listing.

  void begin_list(std::int64_t page_size) {
    turn_over();
    series.lists.inc();
    watched_since_list = false;
    listed_at = now();
    page = selection(settings);
    page.limit = page_size;
    pages = 0;
    list_version.clear();
    next_page();
  }

  void next_page() {
    call = client.list(type, settings.ns, page,
                       [weak = weak_from_this(), t = turn](const Result<Json>& answer) {
                         const auto self = weak.lock();
                         if (self && self->current(t)) {
                           self->take_page(answer);
                         }
                       });
  }

  void take_page(const Result<Json>& answer) {
    if (!answer) {
      const bool later_page = !page.continue_token.empty() && page.limit > 0;
      if (is_expired(answer.error()) && later_page) {
        log.info("list expired between two pages, listing in one piece");
        begin_list(0);
        return;
      }
      fail_with(answer.error(), AfterFailure::kListAfterBackoff);
      return;
    }
    const std::uint64_t t = turn;
    const Status taken = take_items(*answer, t);
    if (!current(t)) {
      return;
    }
    if (!taken) {
      fail_with(taken.error(), AfterFailure::kListAfterBackoff);
      return;
    }
    page.continue_token = string_at(*answer, {"metadata", "continue"});
    if (!page.continue_token.empty()) {
      next_page();
      return;
    }
    finish_list(t);
  }

  Status take_items(const Json& answer, std::uint64_t t) {
    const Json* items = find(answer, "items");
    const std::string seen = version_of(answer);
    if (items != nullptr && !items->is_array()) {
      return fail(bad_list("the answer to a list has items that are no list"));
    }
    if (seen.empty() || seen == "0") {
      return fail(bad_list("the answer to a list has no resourceVersion"));
    }
    if (++pages > kMaxPages) {
      return fail(bad_list("a list has more than " + std::to_string(kMaxPages) + " pages"));
    }
    heard();
    if (pages == 1) {
      list_version = seen;
      emit(events.replace_begin);
    }
    for (std::size_t i = 0; items != nullptr && i < items->size() && current(t); ++i) {
      if (name_of((*items)[i]).empty()) {
        return fail(bad_list("a listed object has no name"));
      }
      emit(events.upsert, (*items)[i]);
    }
    return {};
  }

  void finish_list(std::uint64_t t) {
    version = list_version;
    policy.succeeded();
    synced = true;
    forbidden = false;
    emit(events.replace_end);
    // By then the list's JSON, many times what is kept of it, is gone, also from other threads.
    trim_timer = loop.call_after(kTrimAfterList, release_free_memory);
    if (current(t)) {
      begin_watch();
    }
  }

  // Watching.

  void begin_watch() {
    const std::uint64_t t = turn_over();
    const auto base = std::max<std::int64_t>(settings.watch_timeout.count(), 1);
    const auto extra = random.below(static_cast<std::uint64_t>(base));
    timeout = std::chrono::seconds(base + static_cast<std::int64_t>(extra));
    opened_at = now();
    heard_event = false;
    decoder = std::make_shared<WatchDecoder>();
    call = client.watch(type, settings.ns, selection(settings), version, timeout,
                        [weak = weak_from_this(), t](Result<http::Response> answer) {
                          const auto self = weak.lock();
                          if (self && self->current(t)) {
                            self->take_watch(std::move(answer), t);
                          }
                        });
  }

  void take_watch(Result<http::Response> answer, std::uint64_t t) {
    if (!answer) {
      watch_failed(answer.error());
      return;
    }
    heard();
    await_silence(t);
    pump =
        std::make_unique<ChunkPump>(loop, std::move(answer->body_source),
                                    [weak = weak_from_this(), t](const Result<std::string>& chunk) {
                                      const auto self = weak.lock();
                                      if (self && self->current(t)) {
                                        self->take_chunk(chunk, t);
                                      }
                                    });
  }

  void take_chunk(const Result<std::string>& chunk, std::uint64_t t) {
    if (!chunk) {
      watch_failed(chunk.error());
      return;
    }
    if (chunk->empty()) {
      watch_ended();
      return;
    }
    // The decoder and this object outlive what the callbacks may do: stop() or a new list.
    const auto keep_decoder = decoder;
    const auto keep_self = shared_from_this();
    const Status fed = keep_decoder->feed(*chunk, [&](const Json& event) {
      if (current(t)) {
        take_event(event, t);
      }
    });
    if (!fed && current(t)) {
      fail_with(fed.error(), AfterFailure::kListAfterBackoff);
    }
  }

  void take_event(const Json& event, std::uint64_t t) {
    const std::string kind = *get_string(event, "type");
    const Json& object = *find(event, "object");
    if (kind == "ERROR") {
      watch_failed(error_from_status(object));
      return;
    }
    heard_event = true;
    watched_since_list = true;
    policy.succeeded();
    heard();
    await_silence(t);
    const bool changed = kind == "ADDED" || kind == "MODIFIED";
    if (!changed && kind != "DELETED" && kind != "BOOKMARK") {
      log.warn("watch event of an unknown type is left out", {{"type", kind}});
      return;
    }
    if (kind != "BOOKMARK" && name_of(object).empty()) {
      fail_with(Error::make(ErrorCode::kInternal, "BadWatchEvent", "an object has no name"),
                AfterFailure::kListAfterBackoff);
      return;
    }
    const std::string seen = version_of(object);
    if (!seen.empty() && !newer_version(version, seen)) {
      version = seen;
    }
    if (changed) {
      emit(events.upsert, object);
    } else if (kind == "DELETED") {
      emit(events.remove, key_of(object));
    }
  }

  void watch_ended() {
    const Duration lasted = now() - opened_at;
    if (decoder->mid_line()) {
      watch_failed(Error::make(ErrorCode::kUnavailable, "ConnectionLost",
                               "the watch ended in the middle of an event"));
    } else if (lasted >= kShortWatch) {
      begin_watch();
    } else if (heard_event) {
      // A server that ends every watch after its first event must not be asked in a tight loop.
      later(kShortWatch - lasted, AfterFailure::kWatchAfterBackoff);
    } else {
      watch_failed(Error::make(ErrorCode::kUnavailable, "ShortWatch",
                               "the watch ended within a second without an event"));
    }
  }

  void watch_failed(const Error& error) {
    const AfterFailure next = policy.failed(error, watched_since_list);
    if (next == AfterFailure::kListAtOnce) {
      log.info("watch position expired, listing again", {{"error", error}});
      later(kShortWatch - std::min(now() - listed_at, kShortWatch), next);
      return;
    }
    fail_with(error, next);
  }

  void await_silence(std::uint64_t t) {
    silence_timer = loop.call_after(timeout + kSilenceGrace, [weak = weak_from_this(), t] {
      const auto self = weak.lock();
      if (self && self->current(t)) {
        self->watch_failed(Error::make(ErrorCode::kUnavailable, "ConnectionLost",
                                       "the watch is silent, its connection counts as dead"));
      }
    });
  }

  // After trouble.

  void fail_with(const Error& error, AfterFailure next) {
    series.failures.inc();
    forbidden = !synced && error.code == ErrorCode::kPermissionDenied;
    if (now() - last_trouble >= kQuietTime) {
      backoff.reset();
      unreached.reset();
    }
    last_trouble = now();
    Backoff& pause = error.reason == "ConnectFailed" ? unreached : backoff;
    const Duration delay = pause.next(error);
    log.warn("watching failed, trying again",
             {{"error", error}, {"next", to_string(next)}, {"seconds", to_seconds(delay)}});
    later(delay, next);
  }

  void later(Duration delay, AfterFailure next) {
    const std::uint64_t t = turn_over();
    retry = loop.call_after(delay, [weak = weak_from_this(), t, next] {
      const auto self = weak.lock();
      if (self && self->current(t)) {
        next == AfterFailure::kWatchAfterBackoff ? self->begin_watch()
                                                 : self->begin_list(kPageSize);
      }
    });
  }

  // What a callback is called with stays, even if it stops us.
  template <class Fn, class... Args>
  void emit(const Fn& fn, const Args&... args) {
    if (fn) {
      const auto keep = shared_from_this();
      fn(args...);
    }
  }

  void heard() {
    heard_at = now();
    series.silence.set(0);
  }

  void update_gauge() {
    series.silence.set(to_seconds(now() - heard_at));
    gauge_timer = loop.call_after(kGaugeInterval, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->update_gauge();
      }
    });
  }

  EventLoop& loop;
  Client& client;
  Random& random;
  const ResourceType type;
  const ReflectorSettings settings;
  Log log;
  const Events events;
  Backoff backoff;
  Backoff unreached;
  WatchMetrics series;

  bool running = false;
  bool synced = false;
  bool forbidden = false;
  std::uint64_t turn = 0;
  std::string version;
  TimePoint heard_at{};
  TimePoint last_trouble{};
  ListOptions page;
  int pages = 0;
  std::string list_version;
  std::chrono::seconds timeout{0};
  TimePoint listed_at{};
  TimePoint opened_at{};
  bool heard_event = false;         // in this watch
  bool watched_since_list = false;  // an event since the last list: a 410 now is ordinary
  WatchPolicy policy;
  std::shared_ptr<WatchDecoder> decoder;
  std::unique_ptr<ChunkPump> pump;
  Cancel call;
  Cancel retry;
  Cancel silence_timer;
  Cancel gauge_timer;
  Cancel trim_timer;
};

ReflectorCore::ReflectorCore(EventLoop& loop, Client& client, Random& random, ResourceType type,
                             ReflectorSettings settings, const Log& log, Metrics& metrics,
                             Events events)
    : impl_(std::make_shared<Impl>(loop, client, random, type, std::move(settings), log, metrics,
                                   std::move(events))) {}

ReflectorCore::~ReflectorCore() {
  impl_->stop();
}

void ReflectorCore::start() {
  impl_->start();
}
void ReflectorCore::stop() {
  impl_->stop();
}
bool ReflectorCore::stopped() const {
  return !impl_->running;
}
bool ReflectorCore::synced() const {
  return impl_->synced;
}
bool ReflectorCore::forbidden() const {
  return impl_->forbidden;
}
const std::string& ReflectorCore::version() const {
  return impl_->version;
}
Duration ReflectorCore::silence() const {
  return impl_->now() - impl_->heard_at;
}

}  // namespace berth::kube
