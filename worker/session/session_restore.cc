#include <algorithm>

#include "worker/session/session_table.h"

// How a table survives its process: records in, records out.
namespace berth::worker {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

void SessionTable::replay(const Record& record) {
  const auto with_session = [this](const api::SessionId& id, auto fn) {
    if (Session* session = find_mutable(id)) {
      fn(*session);
    }
  };
  std::visit(
      Overloaded{
          [&](const SessionOpenedRecord& r) {
            end_hold(r.from_hold);
            Session session;
            session.id = r.id;
            session.token_hash = r.token_hash;
            session.owner = r.owner;
            session.resources = r.resources;
            session.heartbeat_timeout = r.heartbeat_timeout;
            session.opened_at = r.opened_at;
            session.opened_wall = r.opened_wall;
            session.execution_deadline = r.execution_deadline;
            session.activities = ActivityLog(settings_.activities);
            insert(std::move(session));
          },
          [&](const SessionEndingRecord& r) {
            with_session(r.id, [&](Session& s) {
              s.state = api::SessionState::kEnding;
              s.end_reason = r.reason;
              s.keep_for = r.keep_for;
              schedule(s);
            });
          },
          [&](const SessionEndedRecord& r) {
            with_session(r.id, [&](Session& s) {
              EndedSession over{s.id,        s.token_hash,  s.owner,    s.resources, r.reason,
                                s.opened_at, s.opened_wall, r.ended_at, r.hold_until};
              activities_running_ -= static_cast<std::int64_t>(s.activities.running());
              free_slot(s.resources, s.owner);
              looks_.erase({s.next_look, s.id});
              sessions_.erase(over.id);
              place_ended(std::move(over));
            });
          },
          [&](const EndedSession& r) { place_ended(r); },
          [&](const CordonRecord& r) {
            epoch_ = std::max(epoch_, r.epoch);
            cordoned_ = r.cordoned;
            drain_deadline_ = r.drain_deadline;
          },
          [&](const RetiredRecord&) { retired_ = true; },
          [&](const ActivityAcceptedRecord& r) {
            with_session(r.session, [&](Session& s) {
              s.activities.add(r.activity, r.type, clock_.now());
              ++activities_running_;
            });
          },
          [&](const ActivityGroupRecord& r) {
            if (Activity* a = find_running(r.session, r.activity)) {
              a->process_group = r.process_group;
            }
          },
          [&](const ActivityRejectedRecord& r) {
            if (find_running(r.session, r.activity) != nullptr) {
              find_mutable(r.session)->activities.remove(r.activity);
              --activities_running_;
            }
          },
          [&](const ActivityFinishedRecord& r) {
            if (find_running(r.session, r.activity) != nullptr) {
              find_mutable(r.session)->activities.finish(r);
              --activities_running_;
            }
          },
          [&](const ActivityForgottenRecord& r) {
            with_session(r.session, [&](Session& s) { s.activities.add_forgotten(r.activity); });
          },
      },
      record);
}

std::vector<SessionTable::Leftover> SessionTable::leftovers() const {
  std::vector<Leftover> out;
  for (const Session* session : list()) {
    for (const api::ActivityId& id : session->activities.running_ids()) {
      out.push_back({session->id, id, session->activities.find(id)->process_group});
    }
  }
  return out;
}

void SessionTable::finish_restore(bool same_boot) {
  const TimePoint now = clock_.now();
  std::vector<api::SessionId> over;
  for (auto& [id, session] : sessions_) {
    for (const api::ActivityId& activity : session.activities.running_ids()) {
      ActivityFinishedRecord outcome;
      outcome.session = session.id;
      outcome.activity = activity;
      outcome.failure_type = "WorkerRestarted";
      outcome.failure_message = "the worker process was restarted while the activity ran";
      outcome.failure_retryable = true;
      session.activities.finish(outcome);
    }
    // Who used which session was not written down, so all count as used: none may be given back any
    // more.
    session.used = true;
    session.opened_at = same_boot ? std::min(session.opened_at, now) : now;
    session.lease_expires = now + session.heartbeat_timeout;
    session.idle_since = now;
    if (!same_boot && session.state == api::SessionState::kOpen) {
      session.state = api::SessionState::kEnding;
      session.end_reason = api::EndReason::kHostRestarted;
    }
    if (!same_boot) {
      session.keep_for = Duration{0};
    }
    if (session.state == api::SessionState::kEnding) {
      over.push_back(id);
    }
    schedule(session);
  }
  activities_running_ = 0;
  if (!same_boot) {
    drain_deadline_.reset();
  }
  // A hold that ran out is not journaled, so it may come back here.
  std::vector<api::SessionId> released;
  for (const auto& [id, hold] : holds_) {
    if (!same_boot || *hold.hold_until <= now) {
      released.push_back(id);
    }
  }
  for (const api::SessionId& id : released) {
    release_hold(id);
  }
  for (const api::SessionId& id : over) {
    finish_end(*find_mutable(id));
  }
  changed();
}

SnapshotPage SessionTable::snapshot(std::uint64_t from, std::size_t most) const {
  SnapshotPage page;
  std::vector<Record>& out = page.records;
  std::size_t at = from > forgotten_ ? from - forgotten_ : 0;
  for (; at < forget_at_.size() && out.size() < most; ++at) {
    if (const auto over = ended_.find(forget_at_[at].second); over != ended_.end()) {
      out.emplace_back(over->second);
    }
  }
  if (at < forget_at_.size()) {
    page.next = forgotten_ + at;
    return page;
  }
  if (epoch_ != 0 || cordoned_ || drain_deadline_) {
    out.emplace_back(CordonRecord{epoch_, cordoned_, drain_deadline_});
  }
  if (retired_) {
    out.emplace_back(RetiredRecord{});
  }
  for (const auto& [id, hold] : holds_) {
    out.emplace_back(hold);
  }
  for (const Session* s : list()) {
    out.emplace_back(SessionOpenedRecord{s->id,
                                         s->token_hash,
                                         s->owner,
                                         s->resources,
                                         s->heartbeat_timeout,
                                         s->opened_at,
                                         s->opened_wall,
                                         s->execution_deadline,
                                         {}});
    s->activities.snapshot(s->id, out);
    if (s->state == api::SessionState::kEnding) {
      out.emplace_back(SessionEndingRecord{s->id, s->end_reason, s->keep_for});
    }
  }
  return page;
}

}  // namespace berth::worker
