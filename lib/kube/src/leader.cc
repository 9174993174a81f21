#include "berth/kube/leader.h"

#include <algorithm>

#include "berth/base/duration.h"
#include "berth/kube/object.h"
#include "lib/kube/src/lease_record.h"

namespace berth::kube {
namespace {

constexpr int kConflictTries = 2;
constexpr int kReleaseTries = 3;

}  // namespace

struct LeaderElector::Impl : std::enable_shared_from_this<Impl> {
  enum class State { kIdle, kCandidate, kLeader, kReleasing, kOver };
  using Answer = std::function<void(const Result<Json>&)>;
  struct Raise {
    std::int64_t above;
    std::function<void(bool)> done;
  };

  Impl(EventLoop& l, Client& c, Random& r, LeaderSettings s, const Log& lg, Metrics& m, Events e)
      : loop(l),
        client(c),
        random(r),
        settings(std::move(s)),
        log(lg.with({{"lease", settings.ns + "/" + settings.name}})),
        events(std::move(e)),
        status(m.gauge("leader_election_master_status", "1 while this process leads",
                       {{"name", settings.name}})),
        slowpath(m.counter("leader_election_slowpath_total",
                           "Renewals that had to read the Lease again",
                           {{"name", settings.name}})) {
    status.set(0);
  }

  TimePoint now() const { return loop.clock().now(); }
  TimePoint deadline() const { return renewed_at + settings.renew_deadline; }
  bool may_write() const { return state == State::kLeader && now() < deadline(); }

  // An attempt: take or renew the Lease, then sleep until the next.

  void attempt() {
    tick.cancel();
    attempting = true;
    conflicts = 0;
    if (state == State::kLeader && !version_of(lease).empty()) {
      put(renewal(), false, [](Impl& self, const Error& error) {
        self.log.debug("renewal failed, reading the lease", {{"error", error}});
        self.read();
      });
    } else {
      read();
    }
  }

  void read() {
    if (state == State::kLeader) {
      slowpath.inc();
    }
    const auto fn = guarded([](Impl& self, const Result<Json>& answer) { self.take(answer); });
    call = client.get(kLeases, settings.ns, settings.name, fn);
  }

  void take(const Result<Json>& answer) {
    if (!answer && answer.error().code == ErrorCode::kNotFound) {
      take_missing();
      return;
    }
    if (!answer || version_of(*answer).empty()) {
      attempt_failed(answer ? Error::internal("the answer is no Lease") : answer.error());
      return;
    }
    lease = *answer;
    writing = false;
    observe();
    if (observed.record().holder == settings.identity) {
      put(renewal(), false, &Impl::slow_put_failed);
    } else if (state == State::kLeader) {
      lose("another process holds the lease");
    } else if (held_by_other()) {
      attempt_over();
    } else {
      put({settings.identity, settings.lease, observed.next_term()}, true, &Impl::slow_put_failed);
    }
  }

  // Somebody deleted the Lease, or it never was. A standby that knew a holder cannot tell whether
  // that one still renews in between: it puts the record back in the holder's name and waits anew.
  void take_missing() {
    lease = Json();
    LeaseRecord record = renewal();
    if (state != State::kLeader && observed.other_holder(settings.identity)) {
      record = observed.record();
    } else if (state != State::kLeader) {
      record.transitions = observed.next_term();
    }
    put(record, true, &Impl::slow_put_failed);
  }

  void observe() { observed.see(lease, now(), settings.lease); }
  bool held_by_other() const { return observed.held_by_other(settings.identity, now()); }

  LeaseRecord renewal() const {
    return {settings.identity, settings.lease,
            std::max({observed.record().transitions, term, raise_target})};
  }

  using PutFailed = void (*)(Impl&, const Error&);

  void put(const LeaseRecord& record, bool taken, PutFailed failed) {
    Json next = lease.is_object() ? lease : make_lease(settings.ns, settings.name);
    write_record(next, record, loop.clock().wall_now(), taken);
    writing = true;
    // What we may do counts from before the write left: no standby can count from earlier.
    const auto fn = guarded([sent = now(), record, failed](Impl& self, const Result<Json>& answer) {
      self.writing = !answer && may_have_happened(answer.error());
      if (!answer) {
        failed(self, answer.error());
        return;
      }
      self.lease = *answer;
      self.observe();
      record.holder == self.settings.identity ? self.won(sent, record) : self.attempt_over();
    });
    call = lease.is_object() ? client.update(kLeases, next, "", fn)
                             : client.create(kLeases, settings.ns, next, fn);
  }

  // Our own write that we gave up on may have come through after all: look once more.
  static void slow_put_failed(Impl& self, const Error& error) {
    const bool conflict =
        error.code == ErrorCode::kConflict || error.code == ErrorCode::kAlreadyExists;
    if (conflict && self.state == State::kLeader && ++self.conflicts < kConflictTries) {
      self.read();
    } else {
      self.attempt_failed(error);
    }
  }

  // The answer as a member call; not after the turn, and as an error when it takes too long.
  Answer guarded(std::function<void(Impl&, const Result<Json>&)> fn) {
    const std::uint64_t t = ++turn;
    Answer answer = [weak = weak_from_this(), t, fn = std::move(fn)](const Result<Json>& r) {
      const auto self = weak.lock();
      if (!self || self->turn != t) {
        return;
      }
      ++self->turn;
      self->call_timer.cancel();
      if (self->state == State::kLeader && self->now() >= self->deadline()) {
        self->lose("no renewal within the deadline");
        return;
      }
      fn(*self, r);
    };
    // Half the deadline: one call that hangs does not lose the lease.
    call_timer = loop.call_after(settings.renew_deadline / 2, [weak = weak_from_this(), answer] {
      if (const auto self = weak.lock()) {
        self->call.cancel();
        const auto own = answer;
        own(berth::fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                                    "no answer within half the renew deadline")));
      }
    });
    return answer;
  }

  void won(TimePoint sent, const LeaseRecord& record) {
    if (now() >= sent + settings.renew_deadline) {
      attempt_failed(Error::make(ErrorCode::kDeadlineExceeded, "", "the answer came too late"));
      return;
    }
    renewed_at = sent;
    term = record.transitions;
    deadline_timer = loop.call_at(deadline(), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->lose("no renewal within the deadline");
      }
    });
    const bool first = state == State::kCandidate;
    state = State::kLeader;
    settle_raises(false);
    attempt_over();
    if (first) {
      log.info("leading", {{"identity", settings.identity}, {"epoch", term}});
      status.set(1);
      const auto keep = shared_from_this();
      events.started(term);
    }
  }

  void attempt_failed(const Error& error) {
    log.warn("leader election attempt failed", {{"error", error}});
    settle_raises(true);
    attempt_over();
  }

  void attempt_over() {
    attempting = false;
    if (state != State::kCandidate && state != State::kLeader) {
      return;
    }
    Duration delay = settings.retry;
    if (state == State::kCandidate) {
      delay += from_seconds(to_seconds(settings.retry) * kStandbyJitter * random.unit());
    } else if (!raises.empty()) {
      delay = Duration::zero();
    }
    next_attempt(delay);
  }

  void next_attempt(Duration delay) {
    tick = loop.call_after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->attempt();
      }
    });
  }

  void silence() {
    ++turn;
    attempting = false;
    call.cancel();
    call_timer.cancel();
    tick.cancel();
    deadline_timer.cancel();
    status.set(0);
    settle_raises(true);
  }

  void lose(std::string_view why) {
    state = State::kOver;
    silence();
    log.error("leadership lost", {{"reason", why}});
    const auto keep = shared_from_this();
    events.lost();
  }

  // Epochs.

  void raise(std::int64_t above, std::function<void(bool)> done) {
    if (state != State::kLeader || above >= kMaxTransitions || term > above) {
      const bool ok = state == State::kLeader && term > above;
      loop.post([done = std::move(done), ok] { done(ok); });
      return;
    }
    raise_target = std::max(raise_target, above + 1);
    raises.push_back({above, std::move(done)});
    if (!attempting) {
      next_attempt(Duration::zero());
    }
  }

  // Answers what the current term answers, and with `all` the rest as failed.
  void settle_raises(bool all) {
    std::vector<Raise> open;
    for (Raise& r : std::exchange(raises, {})) {
      const bool ok = state == State::kLeader && term > r.above;
      if (!ok && !all) {
        open.push_back(std::move(r));
        continue;
      }
      loop.post([done = std::move(r.done), ok] { done(ok); });
    }
    raises = std::move(open);
    if (raises.empty()) {
      raise_target = 0;
    }
  }

  // Giving back.

  void release(std::function<void()> done) {
    released = std::move(done);
    const bool led = state == State::kLeader;
    const bool unsure = writing;
    state = led || unsure ? State::kReleasing : State::kOver;
    silence();
    if (state == State::kOver) {
      finish_release();
      return;
    }
    deadline_timer = loop.call_after(settings.renew_deadline / 2, [keep = shared_from_this()] {
      keep->log.warn("lease could not be given back in time", {});
      keep->finish_release();
    });
    unsure ? read_to_release() : put_release();
  }

  void read_to_release() {
    if (++release_tries > kReleaseTries) {
      finish_release();
      return;
    }
    call = client.get(
        kLeases, settings.ns, settings.name, guarded([](Impl& self, const Result<Json>& answer) {
          if (!answer || version_of(*answer).empty()) {
            self.finish_release();
            return;
          }
          self.lease = *answer;
          self.observe();
          self.observed.record().holder == self.settings.identity ? self.put_release()
                                                                  : self.finish_release();
        }));
  }

  void put_release() {
    Json next = lease;
    write_record(next, {"", std::chrono::seconds(1), observed.record().transitions},
                 loop.clock().wall_now(), true);
    call = client.update(kLeases, next, "", guarded([](Impl& self, const Result<Json>& answer) {
                           if (!answer && answer.error().code == ErrorCode::kConflict) {
                             self.read_to_release();
                             return;
                           }
                           self.finish_release();
                         }));
  }

  void finish_release() {
    state = State::kOver;
    silence();
    if (auto done = std::exchange(released, nullptr)) {
      loop.post(std::move(done));
    }
  }

  EventLoop& loop;
  Client& client;
  Random& random;
  const LeaderSettings settings;
  Log log;
  const Events events;
  Gauge status;
  Counter slowpath;

  State state = State::kIdle;
  std::uint64_t turn = 0;
  bool attempting = false;
  bool writing = false;  // a write is under way, or we do not know what became of it
  int conflicts = 0;
  int release_tries = 0;
  Json lease;  // as the server last answered it; null: there is none
  ObservedLease observed;
  TimePoint renewed_at{};
  std::int64_t term = 0;
  std::int64_t raise_target = 0;
  std::vector<Raise> raises;
  std::function<void()> released;
  Cancel call;
  Cancel call_timer;
  Cancel tick;
  Cancel deadline_timer;
};

LeaderElector::LeaderElector(EventLoop& loop, Client& client, Random& random,
                             LeaderSettings settings, const Log& log, Metrics& metrics,
                             Events events)
    : impl_(std::make_shared<Impl>(loop, client, random, std::move(settings), log, metrics,
                                   std::move(events))) {}

LeaderElector::~LeaderElector() {
  impl_->state = Impl::State::kOver;
  impl_->released = nullptr;
  impl_->silence();
}

void LeaderElector::start() {
  if (impl_->state == Impl::State::kIdle) {
    impl_->state = Impl::State::kCandidate;
    impl_->next_attempt(Duration::zero());
  }
}

void LeaderElector::look_now() {
  if (impl_->state == Impl::State::kCandidate && !impl_->attempting) {
    impl_->next_attempt(Duration::zero());
  }
}

void LeaderElector::release(std::function<void()> done) {
  impl_->release(std::move(done));
}
bool LeaderElector::may_write() const {
  return impl_->may_write();
}
std::int64_t LeaderElector::epoch() const {
  return impl_->term;
}
void LeaderElector::raise_epoch(std::int64_t above, std::function<void(bool)> done) {
  impl_->raise(above, std::move(done));
}

}  // namespace berth::kube
