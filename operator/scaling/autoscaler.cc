#include "operator/scaling/autoscaler.h"

#include <algorithm>

#include "operator/rollout/surge.h"
#include "operator/scaling/first_fit.h"
#include "operator/scaling/holds.h"

namespace berth::op {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

std::int64_t slots_of(const api::Resources& r) {
  const auto it = r.find(api::kSlot);
  return it == r.end() ? 0 : it->second;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// A pod that cannot hold a session any more, or that nobody can wait for, takes no room in the
// pool's budget.
bool counts_for_nothing(const Worker& w, TimePoint now) {
  return w.phase() == WorkerPhase::kFailed || w.overdue(now) || (w.node_lost && w.silent);
}

class Autoscaler {
 public:
  Autoscaler(const Observed& observed, const Fleet& fleet, TimePoint now, History& history)
      : o_(observed),
        fleet_(fleet),
        spec_(observed.pool->scaling),
        minimum_(std::min(std::max(spec_.min_workers, observed.scheduled.min_workers),
                          spec_.max_workers)),
        now_(now),
        history_(history),
        fresh_(fresh_capacity(*observed.pool)) {
    if (observed.scheduled.until) {
      wake(*observed.scheduled.until);
    }
  }

  ScalingDecision run() {
    sum_load();
    track_idleness();
    d_.load.buffer = buffer();
    if (o_.pool->workers) {
      decide_fixed();
    } else if (spec_.paused) {
      decide_paused();
    } else {
      decide_automatic();
    }
    history_.target = d_.target;
    d_.room = std::max<std::int64_t>(0, budget() - pods() - d_.create);
    if (d_.sentence.empty()) {
      d_.sentence = describe();
    }
    return std::move(d_);
  }

 private:
  /// Workers that count towards the number wanted.
  std::int64_t staying() const { return d_.load.present - d_.load.surplus; }
  std::int64_t taken_away() const { return std::max<std::int64_t>(0, -d_.load.surplus); }
  std::int64_t pods() const { return d_.load.present + d_.load.trial + d_.load.leaving; }
  std::int64_t budget() const {
    const std::int64_t most = o_.pool->workers ? *o_.pool->workers : spec_.max_workers;
    return most + max_surge(*o_.pool, most);
  }

  void sum_load() {
    std::vector<std::pair<bool, Room>> rooms;
    for (const Worker& w : o_.workers) {
      const std::int64_t used = w.slots ? slots_of(w.slots->used) : 0;
      if (counts_for_nothing(w, now_)) {
        continue;
      }
      d_.load.used_all += used;
      if (!w.present() || discarded(o_, fleet_, w)) {
        ++d_.load.leaving;
        d_.load.recoverable += recoverable(fleet_, w) ? 1 : 0;
      } else if (tried(o_, fleet_, w)) {
        ++d_.load.trial;
      } else {
        ++d_.load.present;
        d_.load.used += used;
        const bool last = must_go(o_, fleet_, w);
        rooms.push_back(
            {last, w.slots ? Room{w.slots->capacity, w.slots->used} : Room{fresh_, {}}});
      }
    }
    // Fullest first, as the gateway places; those that must go at the end, where workers are given
    // up.
    std::stable_sort(rooms.begin(), rooms.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? b.first : slots_of(a.second.used) > slots_of(b.second.used);
    });
    for (auto& [last, room] : rooms) {
      rooms_.push_back(std::move(room));
    }
    if (fleet_.replacing && history_.target) {
      d_.load.surplus = std::clamp<std::int64_t>(d_.load.present - *history_.target,
                                                 -max_unavailable(*o_.pool, *history_.target),
                                                 max_surge(*o_.pool, *history_.target));
    }
    for (const WaitingSession& s : o_.demand.waiting) {
      api::Resources r = s.resources;
      r[api::kSlot] = 1;
      if (api::fits(fresh_, {}, r)) {
        ask_.sessions.push_back(std::move(r));
      } else {
        ++d_.impossible;
      }
    }
    d_.load.waiting = possible() + d_.impossible;
  }

  /// Waiting sessions that a worker of this pool could hold: nobody is kept for the others.
  std::int64_t possible() const { return static_cast<std::int64_t>(ask_.sessions.size()); }

  void track_idleness() {
    if (d_.load.used_all > 0 || possible() > 0) {
      history_.idle_since.reset();
    } else if (!history_.idle_since) {
      // A pool without a worker has had no work that we know of: it starts at its minimum.
      history_.idle_since = o_.workers.empty() && history_.target.value_or(0) == 0
                                ? now_ - spec_.scale_to_zero_after
                                : now_;
    }
  }

  std::int64_t buffer() {
    if (history_.idle_since) {
      const TimePoint zero_at = *history_.idle_since + spec_.scale_to_zero_after;
      if (now_ >= zero_at) {
        return 0;
      }
      wake(zero_at);
    }
    if (!spec_.free_slots.percent) {
      return spec_.free_slots.value;
    }
    const std::int64_t busy = d_.load.used + possible();
    return ceil_div(busy * 100, 100 - spec_.free_slots.value) - busy;
  }

  void decide_fixed() {
    d_.want = *o_.pool->workers;
    d_.target = d_.want;
    if (d_.want > staying()) {
      grow(d_.want - staying());
    } else {
      d_.remove = std::max<std::int64_t>(0, staying() - d_.want - taken_away());
    }
  }

  void decide_paused() {
    d_.want = history_.target.value_or(d_.load.present);
    d_.target = d_.want;
    d_.limit = ScalingLimit::kPaused;
    if (d_.want > staying()) {
      grow(d_.want - staying());
    }
  }

  void decide_automatic() {
    // What a replacement has taken away for a while it brings back itself.
    const std::int64_t short_by = std::max<std::int64_t>(0, missing() - taken_away());
    const std::int64_t raw = wanted();
    d_.want = std::clamp(raw, minimum_, spec_.max_workers);
    if (raw > spec_.max_workers || staying() + short_by > spec_.max_workers) {
      d_.limit = ScalingLimit::kMaxWorkers;
    } else if (raw < minimum_) {
      d_.limit = minimum_ > spec_.min_workers ? ScalingLimit::kSchedule : ScalingLimit::kMinWorkers;
    }
    remember_want();
    const std::int64_t add =
        std::min(std::max(short_by, minimum_ - staying()), spec_.max_workers - staying());
    d_.target = staying();
    if (add > 0) {
      d_.target += add;
      grow(add);
    } else if (d_.want < staying()) {
      shrink();
    }
  }

  /// Workers for the whole load if it could be spread anew; what the window remembers.
  std::int64_t wanted() {
    const std::int64_t per_worker = std::max<std::int64_t>(1, slots_of(fresh_));
    const std::int64_t by_slots = ceil_div(d_.load.used + possible() + d_.load.buffer, per_worker);
    return std::max(by_slots, by_typed_resources());
  }

  std::int64_t by_typed_resources() {
    std::int64_t most = 0;
    for (const auto& [name, per_worker] : fresh_) {
      if (name == api::kSlot || per_worker <= 0) {
        continue;
      }
      std::int64_t total = 0;
      for (const Room& room : rooms_) {
        const auto it = room.used.find(name);
        total += it == room.used.end() ? 0 : it->second;
      }
      for (const api::Resources& session : ask_.sessions) {
        const auto it = session.find(name);
        total += it == session.end() ? 0 : it->second;
      }
      most = std::max(most, ceil_div(total, per_worker));
    }
    return most;
  }

  /// New workers for what is waiting and the buffer, given how sessions are really spread.
  std::int64_t missing() {
    ask_.free_slots = d_.load.buffer;
    return first_fit(rooms_, fresh_, ask_, spec_.max_workers + 1);
  }

  void remember_want() {
    auto& wants = history_.wants;
    if (!wants.empty()) {
      wants.back().first = now_;  // In force until this moment.
    }
    while (!wants.empty() && wants.back().second <= d_.want) {
      wants.pop_back();
    }
    wants.emplace_back(now_, d_.want);
    const TimePoint horizon = now_ - spec_.down_stabilization_window;
    while (wants.size() > 1 && wants.front().first <= horizon) {
      wants.pop_front();
    }
  }

  void grow(std::int64_t add) {
    std::int64_t allowed = add;
    // What is held back are new pods; our own cordons can always be taken back instead.
    const auto hold = [&](std::int64_t room, ScalingLimit why) {
      const std::int64_t most = std::max<std::int64_t>(0, room) + d_.load.recoverable;
      if (most < allowed) {
        allowed = most;
        d_.limit = why;
      }
    };
    // Room that a trial was given is not grown into.
    const std::int64_t reserved = std::max<std::int64_t>(0, history_.trial_victims - d_.load.trial);
    hold(budget() - pods() - reserved, ScalingLimit::kMaxSurge);
    if (spec_.up_max_workers_per_minute && !o_.pool->workers) {
      hold(*spec_.up_max_workers_per_minute - in_last_minute(history_.created),
           ScalingLimit::kUpRate);
    }
    if (const auto held = creation_hold(o_, history_, fleet_.grow, now_)) {
      hold(held->room, held->why);
      if (held->until) {
        wake(*held->until);
      }
    }
    d_.short_by = add;
    d_.create = allowed;
  }

  void shrink() {
    const TimePoint warm = history_.started_at + spec_.down_stabilization_window;
    if (!o_.demand.readable) {
      d_.limit = ScalingLimit::kNoData;
      return;
    }
    if (now_ < warm) {
      wake(warm);
      d_.limit = ScalingLimit::kWarmUp;
      return;
    }
    const std::int64_t floor = history_.wants.front().second;
    if (floor > d_.want) {
      wake(history_.wants.front().first + spec_.down_stabilization_window);
    }
    if (floor >= staying()) {
      d_.limit = ScalingLimit::kStabilization;
      return;
    }
    const double ratio = static_cast<double>(floor) / static_cast<double>(staying());
    if (floor > 0 && ratio >= 1.0 - spec_.tolerance) {
      d_.limit = ScalingLimit::kTolerance;
      return;
    }
    if (floor > d_.want) {
      d_.limit = ScalingLimit::kStabilization;
    }
    std::int64_t remove = staying() - floor;
    if (spec_.down_max_workers_per_minute) {
      const std::int64_t room =
          *spec_.down_max_workers_per_minute - in_last_minute(history_.removed);
      if (room < remove) {
        remove = std::max<std::int64_t>(0, room);
        d_.limit = ScalingLimit::kDownRate;
      }
    }
    const std::int64_t gone = std::min(remove, taken_away());
    d_.remove = spread_allows(remove - gone);
    d_.target -= d_.remove + gone;
  }

  /// How many of the emptiest can really go while the rest keeps room for what waits and for the
  /// buffer.
  std::int64_t spread_allows(std::int64_t remove) {
    while (remove > 0) {
      std::vector<Room> rest(rooms_.begin(), rooms_.end() - remove);
      if (first_fit(std::move(rest), fresh_, ask_, 1) == 0) {
        break;
      }
      --remove;
    }
    return remove;
  }

  std::int64_t in_last_minute(std::deque<TimePoint>& times) {
    while (!times.empty() && times.front() <= now_ - kMinute) {
      times.pop_front();
    }
    if (!times.empty()) {
      wake(times.front() + kMinute);
    }
    return static_cast<std::int64_t>(times.size());
  }

  void wake(TimePoint at) { d_.wake_at = sooner<TimePoint>(d_.wake_at, at); }

  std::string describe() const {
    std::string s = std::to_string(d_.load.used) + " used + " + std::to_string(d_.load.waiting) +
                    " waiting + " + std::to_string(d_.load.buffer) + " kept free";
    s += o_.pool->workers ? "; fixed at " : " want ";
    s += std::to_string(d_.want) + (d_.want == 1 ? " worker" : " workers");
    if (d_.create > 0) {
      s += ", adding " + std::to_string(d_.create);
    }
    if (d_.remove > 0) {
      s += ", giving up " + std::to_string(d_.remove);
    }
    if (d_.limit != ScalingLimit::kNone) {
      s += "; limited by " + std::string(to_string(d_.limit));
    }
    if (d_.limit == ScalingLimit::kSchedule) {
      s += " " + o_.scheduled.name;
    }
    if (fleet_.on_trial) {
      s += "; the new revision has not worked yet, growth is of " + fleet_.grow;
    }
    return s;
  }

  const Observed& o_;
  const Fleet& fleet_;
  const api::ScalingSpec& spec_;
  const std::int64_t minimum_;
  const TimePoint now_;
  History& history_;
  const api::Resources fresh_;
  std::vector<Room> rooms_;
  Ask ask_;
  ScalingDecision d_;
};

}  // namespace

api::Resources fresh_capacity(const api::SessionPool& pool) {
  api::Resources r = pool.worker.sessions.resources;
  r[api::kSlot] = pool.worker.sessions.max_per_worker;
  return r;
}

ScalingDecision autoscale(const Observed& observed, const Fleet& fleet, TimePoint now,
                          History& history) {
  return Autoscaler(observed, fleet, now, history).run();
}

}  // namespace berth::op
