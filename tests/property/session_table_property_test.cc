// The session table against a model that is too simple to be wrong: random steps, the same answers,
// and the promises that no step may break.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/fakes/manual_loop.h"
#include "tests/unit/worker/support/memory_ledger.h"
#include "worker/session/session_table.h"

namespace berth::worker {
namespace {

constexpr int kSlots = 3;
constexpr int kIds = 6;
constexpr auto kHeartbeat = std::chrono::seconds(20);
constexpr auto kDeadline = std::chrono::seconds(90);

struct ModelSession {
  TimePoint lease;
  TimePoint deadline;
  std::set<int> running;
  Duration keep_for{0};
  bool ending = false;
};

// What design §4 says, word by word, without any cleverness about when to look.
struct Model {
  std::map<int, ModelSession> sessions;
  struct Hold {
    TimePoint until;
    TimePoint written;  // What a restart finds: a stall's extension is not journaled.
  };
  std::map<int, Hold> holds;
  std::set<int> over;  // Longer runs than ten minutes are not generated.
  std::set<std::pair<int, int>> used_activities;
  bool cordoned = false;
  bool retired = false;

  int used() const { return static_cast<int>(sessions.size() + holds.size()); }
  void stop_if_done(int id, TimePoint now) {
    ModelSession& s = sessions.at(id);
    if (s.ending && s.running.empty()) {
      if (s.keep_for > Duration{0}) {
        holds[id] = {now + s.keep_for, now + s.keep_for};
      } else {
        over.insert(id);
      }
      sessions.erase(id);
    }
  }
  void end(int id, Duration keep_for, TimePoint now) {
    ModelSession& s = sessions.at(id);
    if (!s.ending) {
      s.ending = true;
      s.keep_for = keep_for;
      stop_if_done(id, now);
    }
  }
  void expire(TimePoint now) {
    std::vector<int> due;
    for (const auto& [id, s] : sessions) {
      if (!s.ending && (s.lease <= now || s.deadline <= now)) {
        due.push_back(id);
      }
    }
    for (const int id : due) {
      end(id, Duration{0}, now);
    }
    std::erase_if(
        holds, [&](const auto& h) { return h.second.until <= now && over.insert(h.first).second; });
  }
};

class World {
 public:
  World() { make(); }

  void step() {
    const int id = *rc::gen::inRange(0, kIds);
    switch (*rc::gen::inRange(0, 12)) {
      case 0:
      case 1:
        return create(id);
      case 2:
        return renew(id);
      case 3:
        return end(id);
      case 4:
        return accept(id);
      case 5:
      case 6:
        return finish(id);
      case 7:
      case 8:
        return pass();
      case 9:
        return stall();
      case 10:
        return switches();
      default:
        return restart();
    }
  }

  void check() const {
    RC_ASSERT(table_->slots().used.at("session") == model_.used());
    RC_ASSERT(table_->slots().used.at("session") <= kSlots);
    RC_ASSERT(table_->empty() == (model_.used() == 0));
    RC_ASSERT(!(table_->retired() && !table_->empty()));
    std::int64_t activities = 0;
    TimePoint next = TimePoint::max();
    for (const auto& [id, s] : model_.sessions) {
      const Session* session = table_->find(sid(id));
      RC_ASSERT((session != nullptr));
      RC_ASSERT((session->state == api::SessionState::kEnding) == s.ending);
      RC_ASSERT(session->activities.running() == s.running.size());
      activities += static_cast<std::int64_t>(s.running.size());
      if (!s.ending) {
        RC_ASSERT(session->lease_expires == s.lease);
        next = std::min({next, s.lease, s.deadline});
      }
    }
    for (const auto& [id, hold] : model_.holds) {
      RC_ASSERT((table_->find_hold(sid(id)) != nullptr));
      next = std::min(next, hold.until);
    }
    for (const int id : model_.over) {
      RC_ASSERT((table_->find(sid(id)) == nullptr));
      RC_ASSERT((table_->find_ended(sid(id)) != nullptr));
    }
    RC_ASSERT(table_->slots().activities == activities);
    RC_ASSERT(table_->next_wakeup() <= next);
  }

 private:
  static api::SessionId sid(int id) { return api::SessionId("s" + std::to_string(id)); }
  static api::ActivityId aid(int id) { return api::ActivityId("a" + std::to_string(id)); }

  void make() {
    SessionTableSettings settings;
    settings.sessions.max_per_worker = kSlots;
    settings.sessions.max_activities_per_session = 3;
    settings.remember_ended = std::chrono::hours(1000);
    table_ = std::make_unique<SessionTable>(settings, clock_, ledger_);
  }

  void create(int id) {
    api::CreateSession ask;
    ask.id = sid(id);
    ask.token_hash = "h" + std::to_string(id);
    ask.execution_timeout = kDeadline;
    ask.heartbeat_timeout = kHeartbeat;
    int from = -1;
    if (!model_.holds.empty() && *rc::gen::arbitrary<bool>()) {
      from = model_.holds.begin()->first;
    }
    const auto got = table_->admit(ask, *ask.token_hash, from < 0 ? api::SessionId() : sid(from));
    if (const auto it = model_.sessions.find(id); it != model_.sessions.end()) {
      RC_ASSERT(got.has_value() == !it->second.ending);
      if (got) {
        RC_ASSERT(!got->created);
        it->second.lease = clock_.now() + kHeartbeat;
      }
      return;
    }
    const bool was_over = model_.over.contains(id) || model_.holds.contains(id);
    const bool room = model_.used() - (from >= 0 ? 1 : 0) < kSlots;
    RC_ASSERT(got.has_value() == (!was_over && room && !model_.cordoned && !model_.retired));
    if (got) {
      if (from >= 0) {
        model_.holds.erase(from);
        model_.over.insert(from);
      }
      ModelSession fresh;
      fresh.lease = clock_.now() + kHeartbeat;
      fresh.deadline = clock_.now() + kDeadline;
      model_.sessions[id] = fresh;
    }
  }

  void renew(int id) {
    table_->renew(sid(id));
    if (const auto it = model_.sessions.find(id);
        it != model_.sessions.end() && !it->second.ending) {
      it->second.lease = clock_.now() + kHeartbeat;
    }
  }

  void end(int id) {
    const Duration keep = std::chrono::seconds(*rc::gen::inRange(0, 2) * 30);
    const bool known = model_.sessions.contains(id);
    RC_ASSERT(table_->end(sid(id), api::EndReason::kCompleted, keep).has_value() == known);
    if (known) {
      model_.end(id, keep, clock_.now());
    }
  }

  void accept(int id) {
    const int activity = *rc::gen::inRange(0, 5);
    const bool seen = model_.used_activities.contains({id, activity});
    const auto it = model_.sessions.find(id);
    const auto got = table_->accept_activity(sid(id), aid(activity), "work");
    if (it == model_.sessions.end()) {
      RC_ASSERT(!got);
    } else if (seen) {
      RC_ASSERT(got && !got->is_new);
    } else {
      RC_ASSERT(got.has_value() == (!it->second.ending && it->second.running.size() < 3));
      if (got) {
        it->second.running.insert(activity);
        model_.used_activities.insert({id, activity});
      }
    }
  }

  void finish(int id) {
    const int activity = *rc::gen::inRange(0, 5);
    ActivityFinishedRecord r;
    r.session = sid(id);
    r.activity = aid(activity);
    r.state = api::ActivityState::kSucceeded;
    table_->finish_activity(r);
    if (const auto it = model_.sessions.find(id); it != model_.sessions.end()) {
      it->second.running.erase(activity);
      model_.stop_if_done(id, clock_.now());
    }
  }

  void pass() {
    clock_.set(clock_.now() + std::chrono::milliseconds(*rc::gen::inRange(1, 15'000)));
    table_->expire();
    model_.expire(clock_.now());
  }

  void stall() {
    const Duration d = std::chrono::seconds(*rc::gen::inRange(1, 60));
    clock_.set(clock_.now() + d);
    table_->observe_stall(d);
    for (auto& [id, s] : model_.sessions) {
      s.lease += d;
    }
    for (auto& [id, hold] : model_.holds) {
      hold.until += d;
    }
    table_->expire();
    model_.expire(clock_.now());
  }

  void switches() {
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        RC_ASSERT(table_->cordon(1).has_value());
        model_.cordoned = true;
        break;
      case 1:
        // Rarely effective: it ends the interesting part of a run.
        RC_ASSERT(table_->retire().has_value() == (model_.retired || model_.used() == 0));
        model_.retired = model_.retired || model_.used() == 0;
        break;
      default:
        RC_ASSERT(table_->uncordon(1).has_value() == !model_.retired);
        model_.cordoned = model_.cordoned && model_.retired;
    }
  }

  void restart() {
    // Half of the time from a compacted ledger, which must mean the same.
    const bool compact = *rc::gen::arbitrary<bool>();
    if (compact) {
      ledger_.records = table_->snapshot();
    }
    for (auto& [id, hold] : model_.holds) {
      hold.until = hold.written = compact ? hold.until : hold.written;
    }
    const std::vector<Record> records = ledger_.records;
    make();
    for (const Record& r : records) {
      table_->replay(r);
    }
    table_->finish_restore(true);
    ledger_.records = table_->snapshot();
    std::vector<int> ids;
    std::erase_if(model_.holds, [&](const auto& h) {
      return h.second.until <= clock_.now() && model_.over.insert(h.first).second;
    });
    for (auto& [id, s] : model_.sessions) {
      s.running.clear();
      s.lease = clock_.now() + kHeartbeat;
      ids.push_back(id);
    }
    for (const int id : ids) {
      model_.stop_if_done(id, clock_.now());
    }
  }

  fakes::ManualClock clock_;
  MemoryLedger ledger_;
  std::unique_ptr<SessionTable> table_;
  Model model_;
};

RC_GTEST_PROP(SessionTableProperty, AgreesWithTheModelAfterEveryStep, ()) {
  World world;
  const int steps = *rc::gen::inRange(1, 150);
  for (int i = 0; i < steps; ++i) {
    world.step();
    world.check();
  }
}

}  // namespace
}  // namespace berth::worker
