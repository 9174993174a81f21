#include "operator/scaling/autoscaler.h"

#include <algorithm>
#include <cmath>

#include "berth/base/duration.h"
#include "operator/scaling/first_fit.h"

namespace berth::op {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr Duration kFirstFailureHold = std::chrono::seconds(1);
constexpr Duration kLongestFailureHold = std::chrono::minutes(5);
constexpr std::int64_t kSurgePercent = 25;

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
  Autoscaler(const Observed& observed, TimePoint now, History& history)
      : o_(observed),
        spec_(observed.pool.scaling),
        now_(now),
        history_(history),
        fresh_(fresh_capacity(observed.pool)) {}

  ScalingDecision run() {
    sum_load();
    track_idleness();
    d_.load.buffer = buffer();
    if (o_.pool.workers) {
      decide_fixed();
    } else if (spec_.paused) {
      decide_paused();
    } else {
      decide_automatic();
    }
    history_.target = d_.target;
    if (d_.sentence.empty()) {
      d_.sentence = describe();
    }
    return std::move(d_);
  }

 private:
  void sum_load() {
    for (const Worker& w : o_.workers) {
      const std::int64_t used = w.slots ? slots_of(w.slots->used) : 0;
      if (counts_for_nothing(w, now_)) {
        continue;
      }
      d_.load.used_all += used;
      if (w.present()) {
        ++d_.load.present;
        d_.load.used += used;
        rooms_.push_back(w.slots ? Room{w.slots->capacity, w.slots->used} : Room{fresh_, {}});
      } else {
        ++d_.load.leaving;
        d_.load.recoverable += w.our_cordon() ? 1 : 0;
      }
    }
    // Fullest first, as the gateway places.
    std::stable_sort(rooms_.begin(), rooms_.end(), [](const Room& a, const Room& b) {
      return slots_of(a.used) > slots_of(b.used);
    });
    for (const WaitingSession& s : o_.demand.waiting) {
      api::Resources r = s.resources;
      r[api::kSlot] = 1;
      ask_.sessions.push_back(std::move(r));
    }
    d_.load.waiting = static_cast<std::int64_t>(ask_.sessions.size());
  }

  void track_idleness() {
    if (d_.load.used_all > 0 || d_.load.waiting > 0) {
      history_.idle_since.reset();
    } else if (!history_.idle_since) {
      // A pool without a worker has had no work that we know of: it starts at its minimum.
      history_.idle_since =
          o_.workers.empty() && !history_.target ? now_ - spec_.scale_to_zero_after : now_;
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
    const std::int64_t busy = d_.load.used + d_.load.waiting;
    return ceil_div(busy * 100, 100 - spec_.free_slots.value) - busy;
  }

  void decide_fixed() {
    d_.want = *o_.pool.workers;
    d_.target = d_.want;
    if (d_.want > d_.load.present) {
      grow(d_.want - d_.load.present, d_.want + surge(d_.want));
    } else {
      d_.remove = d_.load.present - d_.want;
    }
  }

  void decide_paused() {
    d_.want = history_.target.value_or(d_.load.present);
    d_.target = d_.want;
    d_.limit = ScalingLimit::kPaused;
    if (d_.want > d_.load.present) {
      grow(d_.want - d_.load.present, d_.want + surge(d_.want));
    }
  }

  void decide_automatic() {
    const std::int64_t short_by = missing();
    const std::int64_t raw = wanted();
    d_.want = std::clamp(raw, spec_.min_workers, spec_.max_workers);
    if (raw > spec_.max_workers || d_.load.present + short_by > spec_.max_workers) {
      d_.limit = ScalingLimit::kMaxWorkers;
    } else if (raw < spec_.min_workers) {
      d_.limit = ScalingLimit::kMinWorkers;
    }
    remember_want();
    const std::int64_t add = std::min(std::max(short_by, spec_.min_workers - d_.load.present),
                                      spec_.max_workers - d_.load.present);
    if (add > 0) {
      d_.target = d_.load.present + add;
      grow(add, spec_.max_workers + surge(spec_.max_workers));
    } else if (d_.want < d_.load.present) {
      shrink();
    } else {
      d_.target = d_.load.present;
    }
  }

  /// Workers for the whole load if it could be spread anew; what the window remembers.
  std::int64_t wanted() {
    const std::int64_t per_worker = std::max<std::int64_t>(1, slots_of(fresh_));
    const std::int64_t by_slots =
        ceil_div(d_.load.used + d_.load.waiting - d_.impossible + d_.load.buffer, per_worker);
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
    const Fit fit = first_fit(rooms_, fresh_, ask_, spec_.max_workers + 1);
    d_.impossible = fit.impossible;
    return fit.new_workers;
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

  void grow(std::int64_t add, std::int64_t budget) {
    std::int64_t allowed = add;
    // What is held back are new pods; our own cordons can always be taken back instead.
    const auto hold = [&](std::int64_t room, ScalingLimit why) {
      const std::int64_t most = std::max<std::int64_t>(0, room) + d_.load.recoverable;
      if (most < allowed) {
        allowed = most;
        d_.limit = why;
      }
    };
    hold(budget - d_.load.present - d_.load.leaving, ScalingLimit::kMaxSurge);
    if (spec_.up_max_workers_per_minute && !o_.pool.workers) {
      hold(*spec_.up_max_workers_per_minute - in_last_minute(history_.created),
           ScalingLimit::kUpRate);
    }
    const auto stuck = std::count_if(o_.workers.begin(), o_.workers.end(), [](const Worker& w) {
      return w.unschedulable && !w.deleting;
    });
    // Some pods without a node make a cluster autoscaler grow; many only make it slow.
    if (stuck > 0) {
      hold(std::max<std::int64_t>(5, ceil_div(d_.load.present, 4)) - stuck,
           ScalingLimit::kUnschedulable);
    }
    if (history_.failures > 0) {
      const TimePoint until = history_.last_failure + failure_hold();
      if (now_ < until) {
        wake(until);
        hold(0, ScalingLimit::kFailures);
      }
    }
    d_.create = allowed;
  }

  void shrink() {
    d_.target = d_.load.present;
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
    if (floor >= d_.load.present) {
      d_.limit = ScalingLimit::kStabilization;
      return;
    }
    const double ratio = static_cast<double>(floor) / static_cast<double>(d_.load.present);
    if (floor > 0 && ratio >= 1.0 - spec_.tolerance) {
      d_.limit = ScalingLimit::kTolerance;
      return;
    }
    if (floor > d_.want) {
      d_.limit = ScalingLimit::kStabilization;
    }
    std::int64_t remove = d_.load.present - floor;
    if (spec_.down_max_workers_per_minute) {
      const std::int64_t room =
          *spec_.down_max_workers_per_minute - in_last_minute(history_.removed);
      if (room < remove) {
        remove = std::max<std::int64_t>(0, room);
        d_.limit = ScalingLimit::kDownRate;
      }
    }
    d_.remove = spread_allows(remove);
    d_.target = d_.load.present - d_.remove;
  }

  /// How many of the emptiest can really go while the rest keeps room for what waits and for the
  /// buffer.
  std::int64_t spread_allows(std::int64_t remove) {
    while (remove > 0) {
      std::vector<Room> rest(rooms_.begin(), rooms_.end() - remove);
      if (first_fit(std::move(rest), fresh_, ask_, 1).new_workers == 0) {
        break;
      }
      --remove;
    }
    return remove;
  }

  std::int64_t surge(std::int64_t workers) { return ceil_div(workers * kSurgePercent, 100); }

  Duration failure_hold() const {
    const double factor = std::pow(2.0, std::min(history_.failures - 1, 20));
    return std::min<Duration>(kLongestFailureHold,
                              std::chrono::duration_cast<Duration>(kFirstFailureHold * factor));
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

  void wake(TimePoint at) { d_.wake_at = d_.wake_at ? std::min(*d_.wake_at, at) : at; }

  std::string describe() const {
    std::string s = std::to_string(d_.load.used) + " used + " + std::to_string(d_.load.waiting) +
                    " waiting + " + std::to_string(d_.load.buffer) + " kept free";
    s += o_.pool.workers ? "; fixed at " : " want ";
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
    return s;
  }

  const Observed& o_;
  const api::ScalingSpec& spec_;
  const TimePoint now_;
  History& history_;
  const api::Resources fresh_;
  std::vector<Room> rooms_;
  Ask ask_;
  ScalingDecision d_;
};

}  // namespace

std::string_view to_string(ScalingLimit limit) {
  switch (limit) {
    case ScalingLimit::kNone:
      return "None";
    case ScalingLimit::kMinWorkers:
      return "MinWorkers";
    case ScalingLimit::kMaxWorkers:
      return "MaxWorkers";
    case ScalingLimit::kMaxSurge:
      return "MaxSurge";
    case ScalingLimit::kUpRate:
      return "ScaleUpRate";
    case ScalingLimit::kDownRate:
      return "ScaleDownRate";
    case ScalingLimit::kStabilization:
      return "StabilizationWindow";
    case ScalingLimit::kTolerance:
      return "Tolerance";
    case ScalingLimit::kWarmUp:
      return "OperatorJustStarted";
    case ScalingLimit::kNoData:
      return "GatewayUnreadable";
    case ScalingLimit::kUnschedulable:
      return "UnschedulablePods";
    case ScalingLimit::kFailures:
      return "FailingPods";
    case ScalingLimit::kPaused:
      return "Paused";
  }
  return "None";
}

api::Resources fresh_capacity(const api::SessionPool& pool) {
  api::Resources r = pool.worker.sessions.resources;
  r[api::kSlot] = pool.worker.sessions.max_per_worker;
  return r;
}

ScalingDecision autoscale(const Observed& observed, TimePoint now, History& history) {
  return Autoscaler(observed, now, history).run();
}

}  // namespace berth::op
