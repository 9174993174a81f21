#include "worker/session/session_table.h"

#include <algorithm>

#include "berth/api/session_timeouts.h"
#include "berth/auth/owner_key.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMostAttempts = 16;  // Of one session; beyond it only its lease frees it.

Error taken(const api::SessionId& id) {
  Error e = Error::make(
      ErrorCode::kAlreadyExists, "SessionIdTaken",
      "a session '" + id.str() + "' exists and was not opened with this token; choose another id");
  e.field = "id";
  return e;
}

Error ended(const api::SessionId& id, api::EndReason reason) {
  return Error::make(ErrorCode::kGone, "SessionEnded",
                     "session '" + id.str() + "' is over: " + std::string(api::to_string(reason)));
}

}  // namespace

SessionTable::SessionTable(SessionTableSettings settings, const Clock& clock, Ledger& ledger)
    : settings_(std::move(settings)),
      clock_(clock),
      ledger_(ledger),
      capacity_(settings_.sessions.resources) {
  capacity_[api::kSlot] = settings_.sessions.max_per_worker;
}

Session* SessionTable::find_mutable(const api::SessionId& id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

const Session* SessionTable::find(const api::SessionId& id) const {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

const EndedSession* SessionTable::find_hold(const api::SessionId& id) const {
  const auto it = holds_.find(id);
  return it == holds_.end() ? nullptr : &it->second;
}

const EndedSession* SessionTable::find_ended(const api::SessionId& id) const {
  if (const EndedSession* hold = find_hold(id)) {
    return hold;
  }
  const auto it = ended_.find(id);
  return it == ended_.end() ? nullptr : &it->second;
}

Status SessionTable::check_open(const api::SessionId& id) const {
  if (const Session* session = find(id)) {
    if (session->state == api::SessionState::kOpen) {
      return {};
    }
    return fail(ended(id, session->end_reason));
  }
  if (const EndedSession* over = find_ended(id)) {
    return fail(ended(id, over->reason));
  }
  return fail(Error::make(ErrorCode::kNotFound, "SessionNotFound",
                          "this worker knows no session '" + id.str() + "'"));
}

std::vector<const Session*> SessionTable::list() const {
  std::vector<const Session*> out;
  out.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) {
    out.push_back(&session);
  }
  std::sort(out.begin(), out.end(), [](const Session* a, const Session* b) {
    return std::tie(a->opened_at, a->id) < std::tie(b->opened_at, b->id);
  });
  return out;
}

Status SessionTable::may_admit() const {
  switch (state()) {
    case api::WorkerState::kActive:
      return {};
    case api::WorkerState::kCordoned:
      return fail(Error::make(ErrorCode::kUnavailable, "Cordoned",
                              "this worker takes no new session for now"));
    case api::WorkerState::kDraining:
      return fail(Error::make(ErrorCode::kUnavailable, "Draining", "this worker is being emptied"));
    case api::WorkerState::kRetired:
      break;
  }
  return fail(
      Error::make(ErrorCode::kUnavailable, "Retired", "this worker never takes a session again"));
}

Status SessionTable::fits(const api::Resources& asked, const api::Resources& freed) const {
  if (const std::string name = api::short_of(capacity_, {}, asked); !name.empty()) {
    Error e =
        Error::invalid("resources." + name, "this worker does not offer that much of it at all");
    e.reason = "ResourceNotOffered";
    return fail(std::move(e));
  }
  api::Resources used = used_;
  api::subtract_from(used, freed);
  if (const std::string name = api::short_of(capacity_, used, asked); !name.empty()) {
    Error e = Error::make(ErrorCode::kResourceExhausted, "NoFreeSlot",
                          name == api::kSlot ? "all slots of this worker are used"
                                             : "not enough " + name + " is free");
    e.field = "resources." + name;
    return fail(std::move(e));
  }
  return {};
}

Status SessionTable::owner_fits(const std::string& owner, const EndedSession* hold) const {
  const std::int64_t max = settings_.sessions.max_per_owner;
  if (max == 0 || owner.empty()) {
    return {};
  }
  const auto it = by_owner_.find(auth::owner_key(owner));
  const std::int64_t freed = hold != nullptr && hold->owner == owner ? 1 : 0;
  if (it == by_owner_.end() || it->second - freed < max) {
    return {};
  }
  return fail(Error::make(ErrorCode::kResourceExhausted, "OwnerLimit",
                          "this owner has " + std::to_string(it->second) +
                              " sessions here, and the pool allows " + std::to_string(max) +
                              " per owner (sessions.limits.maxPerOwner)"));
}

void SessionTable::take_slot(const api::Resources& resources, const std::string& owner) {
  api::add_to(used_, resources);
  if (settings_.sessions.max_per_owner > 0 && !owner.empty()) {
    ++by_owner_[auth::owner_key(owner)];
  }
}

void SessionTable::free_slot(const api::Resources& resources, const std::string& owner) {
  api::subtract_from(used_, resources);
  if (settings_.sessions.max_per_owner > 0 && !owner.empty()) {
    const auto it = by_owner_.find(auth::owner_key(owner));
    if (--it->second == 0) {
      by_owner_.erase(it);
    }
  }
}

Result<Session> SessionTable::make_session(const api::CreateSession& ask,
                                           const std::string& token_hash) const {
  const api::SessionsSpec& spec = settings_.sessions;
  const Duration heartbeat = ask.heartbeat_timeout.value_or(spec.default_heartbeat_timeout);
  const Duration execution = ask.execution_timeout.value_or(spec.default_execution_timeout);
  BERTH_TRY(api::check_session_timeout("heartbeatTimeout", heartbeat, spec.max_heartbeat_timeout));
  BERTH_TRY(api::check_session_timeout("executionTimeout", execution, spec.max_execution_timeout));
  Session session;
  session.id = ask.id;
  session.token_hash = token_hash;
  session.attempts = {ask.attempt};
  session.owner = ask.owner;
  session.resources = ask.resources;
  session.resources[api::kSlot] = 1;
  session.heartbeat_timeout = heartbeat;
  session.opened_at = clock_.now();
  session.opened_wall = clock_.wall_now();
  session.idle_since = session.opened_at;
  session.lease_expires = session.opened_at + heartbeat;
  session.execution_deadline = session.opened_at + execution;
  session.activities = ActivityLog(settings_.activities);
  return session;
}

Result<SessionTable::Admission> SessionTable::repeat(Session& session,
                                                     const api::CreateSession& ask) {
  if (!ask.token_hash || *ask.token_hash != session.token_hash) {
    return fail(taken(ask.id));
  }
  if (session.state != api::SessionState::kOpen) {
    return fail(ended(ask.id, session.end_reason));
  }
  // Whose caller is waiting is not known here: a delayed older attempt may arrive last.
  if (!session.used) {
    session.attempts.insert(ask.attempt);
    session.used = session.attempts.size() > kMostAttempts;
  }
  renew(session.id);
  return Admission{&session, false};
}

Result<SessionTable::Admission> SessionTable::admit(const api::CreateSession& ask,
                                                    const std::string& token_hash,
                                                    const api::SessionId& from_hold) {
  if (was_given_back(ask.attempt)) {
    return fail(Error::make(ErrorCode::kConflict, "AttemptGivenBack",
                            "the gateway has taken this attempt back before it arrived"));
  }
  if (Session* session = find_mutable(ask.id)) {
    return repeat(*session, ask);
  }
  if (const EndedSession* over = find_ended(ask.id)) {
    return fail(ended(ask.id, over->reason));
  }
  BERTH_TRY(may_admit());
  BERTH_ASSIGN(Session session, make_session(ask, token_hash));
  const EndedSession* hold = from_hold.empty() ? nullptr : find_hold(from_hold);
  BERTH_TRY(fits(session.resources, hold != nullptr ? hold->resources : api::Resources{}));
  BERTH_TRY(owner_fits(session.owner, hold));
  BERTH_TRY(ledger_.write(SessionOpenedRecord{
      session.id, session.token_hash, session.owner, session.resources, session.heartbeat_timeout,
      session.opened_at, session.opened_wall, session.execution_deadline,
      hold != nullptr ? from_hold : api::SessionId()}));
  end_hold(from_hold);
  insert(std::move(session));
  return Admission{find(ask.id), true};
}

void SessionTable::insert(Session session) {
  take_slot(session.resources, session.owner);
  const api::SessionId id = session.id;
  Session& placed = sessions_.insert_or_assign(id, std::move(session)).first->second;
  schedule(placed);
  changed();
}

api::WorkerState SessionTable::state() const {
  if (retired_) {
    return api::WorkerState::kRetired;
  }
  if (shutdown_deadline_ || drain_deadline_) {
    return api::WorkerState::kDraining;
  }
  return cordoned_ ? api::WorkerState::kCordoned : api::WorkerState::kActive;
}

api::Slots SessionTable::slots() const {
  api::Slots s;
  s.incarnation = settings_.incarnation;
  s.version = version_;
  s.state = state();
  s.capacity = capacity_;
  for (const auto& [name, amount] : capacity_) {
    const auto it = used_.find(name);
    s.used[name] = it == used_.end() ? 0 : it->second;
  }
  s.sessions = static_cast<std::int64_t>(sessions_.size() + holds_.size());
  s.activities = activities_running_;
  s.epoch = epoch_;
  s.owners = by_owner_;
  return s;
}

std::vector<TableEvent> SessionTable::take_events() {
  return std::exchange(events_, {});
}

}  // namespace berth::worker
