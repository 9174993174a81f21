#include <algorithm>

#include "worker/session/session_table.h"

// How sessions end, and what time does to them.
namespace berth::worker {
namespace {

constexpr std::size_t kLongestAttempt = 128;  // as a create's may be

EndedSession ended_from(const Session& session, TimePoint now) {
  return EndedSession{
      session.id,        session.token_hash,  session.owner, session.resources, session.end_reason,
      session.opened_at, session.opened_wall, now,           std::nullopt};
}

}  // namespace

void SessionTable::renew(const api::SessionId& id) {
  Session* session = find_mutable(id);
  if (session != nullptr && session->state == api::SessionState::kOpen) {
    // Only later than before, so the table looks again by itself when the old time comes.
    session->lease_expires = clock_.now() + session->heartbeat_timeout;
  }
}

void SessionTable::use(const api::SessionId& id) {
  if (Session* session = find_mutable(id)) {
    session->used = true;
  }
}

void SessionTable::touch(const api::SessionId& id) {
  Session* session = find_mutable(id);
  if (session != nullptr && session->state == api::SessionState::kOpen) {
    session->used = true;
    session->idle_since = clock_.now();
  }
}

Status SessionTable::end(const api::SessionId& id, api::EndReason reason, Duration keep_for) {
  Session* session = find_mutable(id);
  if (session == nullptr) {
    return check_open(id);
  }
  if (session->state == api::SessionState::kOpen) {
    begin_end(*session, reason, keep_for);
  }
  return {};
}

Status SessionTable::give_back(const api::SessionId& id, const std::string& attempt) {
  Session* session = find_mutable(id);
  remember_given_back(attempt);
  if (session == nullptr) {
    return check_open(id);
  }
  const bool may = !session->used && !attempt.empty() && session->state == api::SessionState::kOpen;
  if (!may || session->attempts.erase(attempt) == 0 || !session->attempts.empty()) {
    return fail(
        Error::make(ErrorCode::kConflict, "SessionClaimed",
                    "session '" + id.str() + "' is used, or belongs to another attempt; it stays"));
  }
  begin_end(*session, api::EndReason::kGivenBack, Duration{0});
  return {};
}

void SessionTable::remember_given_back(const std::string& attempt) {
  if (attempt.empty() || attempt.size() > kLongestAttempt) {
    return;
  }
  const TimePoint now = clock_.now();
  while (!given_back_.empty() &&
         (given_back_.front().first <= now || given_back_.size() >= settings_.max_given_back)) {
    given_back_set_.erase(given_back_.front().second);
    given_back_.pop_front();
  }
  if (given_back_set_.insert(attempt).second) {
    given_back_.emplace_back(now + settings_.remember_given_back, attempt);
  }
}

// What is remembered for longer than promised does no harm: no attempt's name is used twice.
bool SessionTable::was_given_back(const std::string& attempt) const {
  return !attempt.empty() && given_back_set_.contains(attempt);
}

void SessionTable::begin_end(Session& session, api::EndReason reason, Duration keep_for) {
  std::vector<api::ActivityId> running = session.activities.running_ids();
  if (!running.empty()) {
    // Written although the end below will be too: after a crash in between the session must not
    // come back open.
    (void)ledger_.write(SessionEndingRecord{session.id, reason, keep_for});
  }
  session.state = api::SessionState::kEnding;
  session.end_reason = reason;
  session.keep_for = keep_for;
  schedule(session);
  changed();
  if (running.empty()) {
    finish_end(session);
  } else {
    events_.emplace_back(SessionEndingEvent{session.id, reason, std::move(running)});
  }
}

void SessionTable::finish_end(Session& session) {
  const TimePoint now = clock_.now();
  EndedSession over = ended_from(session, now);
  const bool held =
      session.keep_for > Duration{0} && !retired_ && !shutdown_deadline_ && !drain_deadline_;
  if (held) {
    over.hold_until = now + session.keep_for;
  }
  (void)ledger_.write(SessionEndedRecord{over.id, over.reason, over.ended_at, over.hold_until});
  free_slot(session.resources, session.owner);
  looks_.erase({session.next_look, session.id});
  sessions_.erase(over.id);
  events_.emplace_back(SessionEndedEvent{over});
  place_ended(std::move(over));
  changed();
}

// Remembers a session that has ended, or keeps its slot.
void SessionTable::place_ended(EndedSession over) {
  if (over.hold_until) {
    take_slot(over.resources, over.owner);
    looks_.emplace(*over.hold_until, over.id);
    holds_.insert_or_assign(over.id, std::move(over));
  } else {
    remember(std::move(over));
  }
}

void SessionTable::remember(EndedSession over) {
  if (over.reason == api::EndReason::kGivenBack) {
    return;  // Nobody learnt of it: its id may be asked for again at once.
  }
  const api::SessionId id = over.id;
  if (!ended_.insert_or_assign(id, std::move(over)).second) {
    // Only a replay can bring an id twice, with its reuse in between: it is forgotten once, later.
    const auto older = std::find_if(forget_at_.begin(), forget_at_.end(),
                                    [&](const auto& entry) { return entry.second == id; });
    older->second = api::SessionId();
  }
  forget_at_.emplace_back(clock_.now() + settings_.remember_ended, id);
  while (ended_.size() > settings_.max_ended) {
    forget_oldest();
  }
}

void SessionTable::forget_oldest() {
  ended_.erase(forget_at_.front().second);
  forget_at_.pop_front();
  ++forgotten_;
}

void SessionTable::forget_old(TimePoint now) {
  while (!forget_at_.empty() && forget_at_.front().first <= now) {
    forget_oldest();
  }
}

void SessionTable::end_hold(const api::SessionId& id) {
  auto node = holds_.extract(id);
  if (!node) {
    return;
  }
  EndedSession& over = node.mapped();
  looks_.erase({*over.hold_until, id});
  over.hold_until.reset();
  free_slot(over.resources, over.owner);
  remember(std::move(over));
}

void SessionTable::release_hold(api::SessionId id) {
  end_hold(id);
  events_.emplace_back(HoldReleasedEvent{std::move(id)});
  changed();
}

void SessionTable::end_all(api::EndReason reason) {
  for (const Session* session : list()) {
    if (session->state == api::SessionState::kOpen) {
      begin_end(*find_mutable(session->id), reason, Duration{0});
    }
  }
  while (!holds_.empty()) {
    release_hold(holds_.begin()->first);
  }
}

TimePoint SessionTable::due(const Session& session) const {
  if (session.state != api::SessionState::kOpen) {
    return TimePoint::max();
  }
  TimePoint at = std::min(session.lease_expires, session.execution_deadline);
  if (settings_.sessions.idle_timeout > Duration{0} && session.activities.running() == 0) {
    at = std::min(at, session.idle_since + settings_.sessions.idle_timeout);
  }
  return at;
}

// Keeps next_look at or before due(). A due time that moved later is noticed when the look comes,
// so a renewal costs nothing here.
void SessionTable::schedule(Session& session) {
  const TimePoint at = due(session);
  if (at < session.next_look || at == TimePoint::max()) {
    looks_.erase({session.next_look, session.id});
    session.next_look = at;
    if (at != TimePoint::max()) {
      looks_.emplace(at, session.id);
    }
  }
}

void SessionTable::look_at(const api::SessionId& id, TimePoint now) {
  if (const EndedSession* hold = find_hold(id)) {
    if (*hold->hold_until <= now) {
      release_hold(id);
    } else {
      looks_.emplace(*hold->hold_until, id);
    }
    return;
  }
  Session* session = find_mutable(id);
  if (session == nullptr) {
    return;
  }
  session->next_look = TimePoint::max();
  if (due(*session) > now) {
    schedule(*session);
  } else if (session->execution_deadline <= now) {
    begin_end(*session, api::EndReason::kExecutionTimeout, Duration{0});
  } else if (session->lease_expires <= now) {
    begin_end(*session, api::EndReason::kLeaseExpired, Duration{0});
  } else {
    begin_end(*session, api::EndReason::kIdleTimeout, Duration{0});
  }
}

void SessionTable::expire() {
  const TimePoint now = clock_.now();
  if (drain_deadline_ && *drain_deadline_ <= now) {
    end_all(api::EndReason::kDrainDeadline);
  }
  if (shutdown_deadline_ && *shutdown_deadline_ <= now) {
    end_all(api::EndReason::kWorkerShutdown);
  }
  while (!looks_.empty() && looks_.begin()->first <= now) {
    const api::SessionId id = looks_.begin()->second;
    looks_.erase(looks_.begin());
    look_at(id, now);
  }
  forget_old(now);
}

bool SessionTable::any_open() const {
  return !holds_.empty() || std::any_of(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    return entry.second.state == api::SessionState::kOpen;
  });
}

TimePoint SessionTable::next_wakeup() const {
  TimePoint at = looks_.empty() ? TimePoint::max() : looks_.begin()->first;
  if (!forget_at_.empty()) {
    at = std::min(at, forget_at_.front().first);
  }
  for (const auto& deadline : {drain_deadline_, shutdown_deadline_}) {
    if (deadline && *deadline < at && any_open()) {
      at = *deadline;
    }
  }
  return at;
}

void SessionTable::observe_stall(Duration d) {
  for (auto& [id, session] : sessions_) {
    session.lease_expires += d;
    session.idle_since += d;
  }
  for (auto& [id, hold] : holds_) {
    looks_.erase({*hold.hold_until, id});
    *hold.hold_until += d;
    looks_.emplace(*hold.hold_until, id);
  }
}

}  // namespace berth::worker
