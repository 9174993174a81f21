#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "berth/api/session.h"
#include "berth/api/worker_config.h"
#include "worker/session/activity_log.h"
#include "worker/session/record.h"

namespace berth::worker {

/// A session that is open or ending.
struct Session {
  api::SessionId id;
  std::string token_hash;
  /// Nonces of the create attempts that were answered with this session and have not given it back.
  std::set<std::string> attempts;
  std::string owner;
  api::Resources resources;  ///< With the slot itself.
  Duration heartbeat_timeout{};
  TimePoint opened_at{};
  WallTime opened_wall{};
  TimePoint lease_expires{};
  TimePoint execution_deadline{};
  TimePoint idle_since{};
  bool used = false;  ///< Somebody may know of it: it can no longer be given back.
  api::SessionState state = api::SessionState::kOpen;
  api::EndReason end_reason = api::EndReason::kCompleted;  ///< Once ending.
  Duration keep_for{0};
  ActivityLog activities;
  TimePoint next_look = TimePoint::max();  ///< Of the table: when it looks at this session again.
};

/// What somebody outside the table has to do because of a step. Collected by take_events().
struct SessionEndingEvent {
  api::SessionId id;
  api::EndReason reason = api::EndReason::kCompleted;
  std::vector<api::ActivityId> to_cancel;
};
struct SessionEndedEvent {
  EndedSession session;  ///< `hold_until` set: its directory is held too.
};
struct HoldReleasedEvent {
  api::SessionId id;  ///< Nobody came with the recreate token: the directory may go.
};
using TableEvent = std::variant<SessionEndingEvent, SessionEndedEvent, HoldReleasedEvent>;

struct SessionTableSettings {
  api::Incarnation incarnation;
  api::SessionsSpec sessions;  ///< Capacities, defaults, caps.
  Duration remember_ended = std::chrono::minutes(10);
  Duration remember_given_back = std::chrono::minutes(1);
  std::size_t max_given_back = 4'096;  ///< The oldest are forgotten first.
  std::size_t max_ended = 16'384;      ///< The oldest are forgotten first.
  ActivityLog::Limits activities;
};

/// The authority over one worker's slots. Plain state without IO, HTTP or engine: every question
/// whether a session may open, lives or is over is answered here and nowhere else, in one step on
/// one thread.
///
/// Each step is written to the ledger before it takes effect; a step that cannot be written and may
/// be refused is refused with nothing half done. Ends happen regardless: after a crash the session
/// comes back with a full lease and frees itself.
///
/// A slot counts as used until its session's last activity has really stopped, and through a hold
/// after it. Each change that slots() shows raises version().
class SessionTable {
 public:
  SessionTable(SessionTableSettings settings, const Clock& clock, Ledger& ledger);

  // --- sessions

  struct Admission {
    const Session* session = nullptr;
    bool created = false;  ///< False: a repeat of an earlier create.
  };
  /// Opens a session. `token_hash` is the caller's (ask.token_hash) or that of a token made by the
  /// worker. `from_hold` names a held slot whose recreate token was checked; it is taken over in
  /// the same step.
  ///
  /// A repeat (same id, same ask.token_hash) answers with the first session whatever the worker's
  /// state; its attempt nonce is one more that must give the session back to end it. Errors:
  /// AlreadyExists "SessionIdTaken"; Gone "SessionEnded"; Unavailable "Cordoned", "Draining",
  /// "Retired", "JournalUnavailable"; ResourceExhausted "NoFreeSlot" with the field of what is
  /// short, or "OwnerLimit"; Conflict "AttemptGivenBack"; InvalidArgument with the field.
  Result<Admission> admit(const api::CreateSession& ask, const std::string& token_hash,
                          const api::SessionId& from_hold = {});

  /// Null unless open or ending.
  const Session* find(const api::SessionId& id) const;
  /// Sessions that are over and still remembered, held ones included.
  const EndedSession* find_ended(const api::SessionId& id) const;
  /// The held slot of an ended session.
  const EndedSession* find_hold(const api::SessionId& id) const;
  /// Ok if open, else NotFound "SessionNotFound" or Gone "SessionEnded" whose message tells why it
  /// ended.
  Status check_open(const api::SessionId& id) const;
  std::vector<const Session*> list() const;  ///< Oldest first.
  std::size_t session_count() const { return sessions_.size(); }

  /// The owner was heard: a full lease from now. Does nothing for a session that is not open.
  void renew(const api::SessionId& id);
  /// Somebody showed its token, so it may no longer be given back.
  void use(const api::SessionId& id);
  /// The owner works with it by other means than activities (files): idle time starts anew.
  void touch(const api::SessionId& id);

  /// Ends a session for its owner. It is Ending until its activities have stopped. `keep_for` holds
  /// its slot for the recreate token after that. Repeats are harmless; unknown and ended ids as in
  /// check_open().
  Status end(const api::SessionId& id, api::EndReason reason, Duration keep_for = Duration{0});
  /// Undoes a create whose caller never learnt of it. Ends the session only when every attempt that
  /// was answered with it has given it back and nobody has used it: attempts may arrive in any
  /// order, so the last to arrive need not be the one whose caller waits. Conflict "SessionClaimed"
  /// while it stays. The id is free again after it.
  ///
  /// An attempt that was given back stays so for a minute: should its create come only now (they
  /// take different ways), it is refused with Conflict "AttemptGivenBack". Not written down; a
  /// restart forgets it.
  Status give_back(const api::SessionId& id, const std::string& attempt);

  // --- time

  /// Ends what is overdue. Call it behind renewals that were waiting to be read.
  void expire();
  /// When expire() may next have something to do; never late, may be early. TimePoint::max():
  /// nothing.
  TimePoint next_wakeup() const;
  /// The loop stood still for `d`: nobody could be heard, so leases, holds and idle times are
  /// longer by that. Execution deadlines are not: they were promised to others. Not written down:
  /// after a restart leases are full anyway, and holds last as first promised.
  void observe_stall(Duration d);

  // --- activities

  struct Accepted {
    const Activity* activity = nullptr;
    bool is_new = false;  ///< False: the id has been used; this is the first one's state.
  };
  /// Gone "SessionEnded" or "ResultForgotten"; ResourceExhausted "TooManyActivities"; AlreadyExists
  /// "ActivityIdTaken" when the id was used for another type; Unavailable "JournalUnavailable".
  Result<Accepted> accept_activity(const api::SessionId& session, const api::ActivityId& id,
                                   const std::string& type);
  /// Its executor refused it; nothing ran.
  void reject_activity(const api::SessionId& session, const api::ActivityId& id);
  void set_process_group(const api::SessionId& session, const api::ActivityId& id,
                         std::int64_t group);
  void set_progress(const api::SessionId& session, const api::ActivityId& id, Json progress);
  void set_stderr_tail(const api::SessionId& session, const api::ActivityId& id, std::string tail);
  /// Its stop was asked for. Does nothing once it is final.
  void set_cancelling(const api::SessionId& session, const api::ActivityId& id);
  /// It has really stopped. Ends an Ending session whose last one it was. `outcome.runtime` is
  /// filled in.
  void finish_activity(ActivityFinishedRecord outcome);
  /// NotFound "ActivityNotFound", Gone "ResultForgotten".
  Result<const Activity*> find_activity(const api::SessionId& session,
                                        const api::ActivityId& id) const;

  // --- the worker's switches

  /// Conflict "StaleEpoch" for an epoch lower than the highest seen. Repeats are harmless. A
  /// retired worker answers Conflict "Retired" to uncordon.
  Status cordon(std::int64_t epoch);
  Status uncordon(std::int64_t epoch);
  /// Cordon, and end what is left at `deadline`. A later call replaces the deadline.
  Status drain(std::int64_t epoch, TimePoint deadline);
  /// Never again a session here. Only while no session is open or ending and no slot is held, else
  /// Conflict "SessionsOpen".
  Status retire();
  /// The process was told to stop: no new session, holds are dropped, and at `deadline` what is
  /// left ends with WorkerShutdown. Not recorded: a restart comes back open. A second call may only
  /// shorten.
  void shut_down(TimePoint deadline);

  bool retired() const { return retired_; }
  bool shutting_down() const { return shutdown_deadline_.has_value(); }
  std::int64_t epoch() const { return epoch_; }
  /// No session open or ending, no slot held.
  bool empty() const { return sessions_.empty() && holds_.empty(); }

  api::WorkerState state() const;
  std::int64_t version() const { return version_; }
  /// Something changed that readers of slots() are told beside it: raises version().
  void touch() { changed(); }
  api::Slots slots() const;
  const api::Resources& capacity() const { return capacity_; }
  const api::Resources& used() const { return used_; }

  /// What the steps since the last call ask for, in order.
  std::vector<TableEvent> take_events();

  // --- survival

  /// Rebuilds: replay() each record in order, then finish_restore() once, before anything else.
  void replay(const Record& record);
  struct Leftover {
    api::SessionId session;
    api::ActivityId activity;
    std::int64_t process_group = 0;
  };
  /// Activities that ran when the last process died; their processes must be killed before
  /// finish_restore().
  std::vector<Leftover> leftovers() const;
  /// Open sessions get full leases and activities that ran become WorkerRestarted. After a reboot
  /// of the machine (`same_boot` false) all sessions are over. Nothing is written: save snapshot()
  /// next.
  void finish_restore(bool same_boot);
  /// Never admits again, for a worker that cannot know what it promised.
  void restore_retired() { retired_ = true; }
  /// Records that rebuild the present state.
  std::vector<Record> snapshot() const { return snapshot(0, SIZE_MAX).records; }
  /// The same in pages, between which steps may be taken: at most `most` sessions that are over,
  /// from the place `from` (0, or the last page's `next`). The last page holds all that is not
  /// over.
  SnapshotPage snapshot(std::uint64_t from, std::size_t most) const;

 private:
  Session* find_mutable(const api::SessionId& id);
  Activity* find_running(const api::SessionId& session, const api::ActivityId& id);
  Result<Admission> repeat(Session& session, const api::CreateSession& ask);
  Status may_admit() const;
  Status fits(const api::Resources& asked, const api::Resources& freed) const;
  Status owner_fits(const std::string& owner, const EndedSession* hold) const;
  void take_slot(const api::Resources& resources, const std::string& owner);
  void free_slot(const api::Resources& resources, const std::string& owner);
  void remember_given_back(const std::string& attempt);
  bool was_given_back(const std::string& attempt) const;
  Result<Session> make_session(const api::CreateSession& ask, const std::string& token_hash) const;
  TimePoint due(const Session& session) const;
  void schedule(Session& session);
  void look_at(const api::SessionId& id, TimePoint now);
  void begin_end(Session& session, api::EndReason reason, Duration keep_for);
  void finish_end(Session& session);
  void end_all(api::EndReason reason);
  void place_ended(EndedSession ended);
  void remember(EndedSession ended);
  /// The held slot is free or taken over: its session is now only remembered. Nothing if there is
  /// no hold.
  void end_hold(const api::SessionId& id);
  void release_hold(api::SessionId id);  ///< By value: the name may be that of the hold itself.
  void forget_old(TimePoint now);
  void forget_oldest();
  bool any_open() const;
  Status check_epoch(std::int64_t epoch) const;
  Status set_cordon(CordonRecord next);
  void insert(Session session);
  void changed() { ++version_; }

  SessionTableSettings settings_;
  const Clock& clock_;
  Ledger& ledger_;
  api::Resources capacity_;
  api::Resources used_;
  std::map<std::string, std::int64_t>
      by_owner_;  ///< By auth::owner_key(), with the pool's limit only.
  std::deque<std::pair<TimePoint, std::string>> given_back_;  ///< Attempts, oldest first.
  std::unordered_set<std::string> given_back_set_;
  std::unordered_map<api::SessionId, Session> sessions_;
  std::map<api::SessionId, EndedSession> holds_;
  std::unordered_map<api::SessionId, EndedSession> ended_;
  std::deque<std::pair<TimePoint, api::SessionId>> forget_at_;  ///< Oldest first.
  std::uint64_t forgotten_ = 0;  ///< How many have left forget_at_: its first one's place.
  std::set<std::pair<TimePoint, api::SessionId>>
      looks_;  ///< Sessions and holds by when to look at them.
  std::vector<TableEvent> events_;
  std::int64_t activities_running_ = 0;
  std::int64_t version_ = 1;
  std::int64_t epoch_ = 0;
  bool cordoned_ = false;
  bool retired_ = false;
  std::optional<TimePoint> drain_deadline_;
  std::optional<TimePoint> shutdown_deadline_;
};

}  // namespace berth::worker
