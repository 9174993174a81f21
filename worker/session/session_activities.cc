#include <algorithm>

#include "worker/session/session_table.h"

// The activities of sessions: what was accepted, what runs, what came of it.
namespace berth::worker {
namespace {

Error result_forgotten(const api::ActivityId& id) {
  return Error::make(ErrorCode::kGone, "ResultForgotten",
                     "activity '" + id.str() + "' ran and its result is no longer kept");
}

}  // namespace

Result<SessionTable::Accepted> SessionTable::accept_activity(const api::SessionId& session_id,
                                                             const api::ActivityId& id,
                                                             const std::string& type) {
  Session* session = find_mutable(session_id);
  if (const auto known = session != nullptr ? session->activities.find(id) : nullptr) {
    if (known->info.type != type) {
      Error e = Error::make(ErrorCode::kAlreadyExists, "ActivityIdTaken",
                            "activity '" + id.str() + "' exists with the type " + known->info.type);
      e.field = "activityId";
      return fail(std::move(e));
    }
    return Accepted{known, false};
  }
  BERTH_TRY(check_open(session_id));
  if (session->activities.forgotten(id)) {
    return fail(result_forgotten(id));
  }
  const auto limit = settings_.sessions.max_activities_per_session;
  if (static_cast<std::int64_t>(session->activities.running()) >= limit ||
      session->activities.full()) {
    return fail(Error::make(
        ErrorCode::kResourceExhausted, "TooManyActivities",
        session->activities.full()
            ? "this session has run all the activities that one session may"
            : "this session already runs " + std::to_string(limit) + " activities at once"));
  }
  BERTH_TRY(ledger_.write(ActivityAcceptedRecord{session_id, id, type}));
  session->used = true;
  const Activity& activity = session->activities.add(id, type, clock_.now());
  ++activities_running_;
  schedule(*session);
  changed();
  return Accepted{&activity, true};
}

Activity* SessionTable::find_running(const api::SessionId& session_id, const api::ActivityId& id) {
  Session* session = find_mutable(session_id);
  Activity* activity = session == nullptr ? nullptr : session->activities.find(id);
  return activity == nullptr || api::is_final(activity->info.state) ? nullptr : activity;
}

void SessionTable::reject_activity(const api::SessionId& session_id, const api::ActivityId& id) {
  if (find_running(session_id, id) == nullptr) {
    return;
  }
  (void)ledger_.write(ActivityRejectedRecord{session_id, id});
  Session& session = *find_mutable(session_id);
  session.activities.remove(id);
  session.idle_since = clock_.now();
  --activities_running_;
  schedule(session);
  changed();
  if (session.state == api::SessionState::kEnding && session.activities.running() == 0) {
    finish_end(session);
  }
}

void SessionTable::set_process_group(const api::SessionId& session, const api::ActivityId& id,
                                     std::int64_t group) {
  if (Activity* activity = find_running(session, id)) {
    (void)ledger_.write(ActivityGroupRecord{session, id, group});
    activity->process_group = group;
  }
}

void SessionTable::set_progress(const api::SessionId& session, const api::ActivityId& id,
                                Json progress) {
  if (Activity* activity = find_running(session, id)) {
    activity->info.progress = std::move(progress);
    ++activity->info.version;
  }
}

void SessionTable::set_stderr_tail(const api::SessionId& session, const api::ActivityId& id,
                                   std::string tail) {
  if (Activity* activity = find_running(session, id)) {
    activity->info.stderr_tail = std::move(tail);
    ++activity->info.version;
  }
}

void SessionTable::set_cancelling(const api::SessionId& session, const api::ActivityId& id) {
  Activity* activity = find_running(session, id);
  if (activity != nullptr && activity->info.state != api::ActivityState::kCancelling) {
    activity->info.state = api::ActivityState::kCancelling;
    ++activity->info.version;
  }
}

void SessionTable::finish_activity(ActivityFinishedRecord outcome) {
  const Activity* activity = find_running(outcome.session, outcome.activity);
  if (activity == nullptr) {
    return;
  }
  outcome.runtime = clock_.now() - activity->started_at;
  if (outcome.stderr_tail.empty()) {
    outcome.stderr_tail = activity->info.stderr_tail;
  }
  if (!ledger_.write(outcome)) {
    // A large result on a full disk: the small fact that it is over has room. The caller still gets
    // the result, unless this process dies before it asks.
    ActivityFinishedRecord small;
    small.session = outcome.session;
    small.activity = outcome.activity;
    small.failure_type = "ResultNotRecorded";
    small.failure_message =
        "it ended as " + std::string(api::to_string(outcome.state)) +
        ", but its result could not be written down before the worker restarted";
    small.runtime = outcome.runtime;
    (void)ledger_.write(small);
  }
  Session& session = *find_mutable(outcome.session);
  session.activities.finish(outcome);
  session.idle_since = clock_.now();
  --activities_running_;
  schedule(session);
  changed();
  if (session.state == api::SessionState::kEnding && session.activities.running() == 0) {
    finish_end(session);
  }
}

Result<const Activity*> SessionTable::find_activity(const api::SessionId& session_id,
                                                    const api::ActivityId& id) const {
  const Session* session = find(session_id);
  if (session == nullptr) {
    return fail(check_open(session_id).error());
  }
  if (const Activity* activity = session->activities.find(id)) {
    return activity;
  }
  if (session->activities.forgotten(id)) {
    return fail(result_forgotten(id));
  }
  return fail(Error::make(ErrorCode::kNotFound, "ActivityNotFound",
                          "this session has run no activity '" + id.str() + "'"));
}

}  // namespace berth::worker
