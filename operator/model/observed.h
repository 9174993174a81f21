#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "berth/api/resources.h"
#include "berth/api/session.h"
#include "berth/api/session_pool.h"
#include "berth/base/clock.h"

/// What the operator knows about one pool at one moment. Plain values: the input of plan().
namespace berth::op {

/// Where a worker stands, derived from its pod and from what it said itself.
enum class WorkerPhase {
  kStarting,     ///< Its pod exists, or was just asked for, and it has not said anything yet.
  kAdmitting,    ///< Readable, takes new sessions.
  kCordoned,     ///< Readable, serves its sessions, takes no new one.
  kDraining,     ///< Told to end by a deadline, or its process is shutting down.
  kRetired,      ///< Promised never to hold a session again. May be deleted.
  kUnreadable,   ///< It spoke once, or should have, and has been silent too long. Counts as full.
  kTerminating,  ///< Its pod is being deleted.
  kFailed,       ///< Its pod is Failed or Succeeded: nothing runs in it any more.
};

/// One worker pod.
struct Worker {
  std::string name;
  std::string uid;  ///< Empty for a create whose answer is not there yet.
  std::string resource_version;
  std::string node;
  std::string revision;  ///< Label berth.dev/revision.
  TimePoint created_at{};
  /// Why its container does not run: "ImagePullBackOff", "CrashLoopBackOff: its last words",
  /// "FailedMount: the kubelet's words"; empty: nothing said.
  std::string trouble;

  bool ready = false;
  bool finished = false;       ///< Phase Failed or Succeeded.
  bool unschedulable = false;  ///< PodScheduled is False.
  bool deleting = false;
  TimePoint delete_by{};  ///< When deleting: end of its grace.
  /// restartCount 0, no last state, not started: no session can ever have been here.
  bool never_started = true;
  /// By the kubelet's record the pod has not been Ready since it came to its node: no gateway has
  /// ever placed a session here.
  bool never_ready = false;
  /// A kubelet that still heartbeats says that the container is not running, since then.
  std::optional<TimePoint> stopped_since;
  bool node_lost = false;      ///< The node object is gone or tainted out-of-service.
  bool node_hinted = false;    ///< Its node may be removed soon: given up first, not replaced.
  std::string leaving;         ///< Why its node or pod is about to go; empty: it stays.
  bool person_cordon = false;  ///< Annotation berth.dev/cordon.
  bool person_drain = false;   ///< Annotation berth.dev/drain.

  std::optional<api::Slots> slots;  ///< The last thing it said.
  bool silent = false;              ///< Nothing said for longer than the long poll and 15 s.
  std::string unheard;              ///< Why the last question to it failed; empty: it did not.
  bool removing = false;  ///< We are cordoning, retiring or deleting it and have no answer yet.
  std::optional<TimePoint> told;  ///< The drain deadline that we told it last.

  WorkerPhase phase() const;
  /// Takes sessions now or will once it has started: what scaling counts on.
  bool present() const;
  /// Cordoned, and not by a person: ours, for scale-down. Whose it is is derived, so it survives
  /// the operator.
  bool our_cordon() const;
  /// A person said so by annotation.
  bool held_by_person() const { return person_cordon || person_drain; }
  /// Readable and answering: what it says of itself may be built on.
  bool speaks() const { return slots && !silent && !finished && !deleting; }
  /// No session can ever have been here: it may go without being asked, with its resourceVersion
  /// as a precondition.
  bool untouched() const { return !uid.empty() && !slots && (never_started || never_ready); }
  bool idle() const { return slots && slots->sessions == 0; }
  /// The longest grace plus some slack has passed and it is still there.
  bool overdue(TimePoint now) const;
};

/// One session that waits for a slot.
struct WaitingSession {
  std::string id;
  api::Resources resources;  ///< Without the slot itself.
};

/// What the gateways say, united by session id.
struct PoolDemand {
  bool readable = false;  ///< False if any gateway could not be read: no data, no scale-down.
  bool silent = false;    ///< Unreadable for too long to be a beginning.
  std::vector<WaitingSession> waiting;
};

/// Pods of one revision that failed.
struct Failures {
  int in_a_row = 0;
  TimePoint last{};
};

/// What the operator remembers of a pool between two plans. It can be lost: then scale-down waits a
/// full window.
struct History {
  TimePoint started_at{};  ///< When this operator first saw the pool.
  /// Wants of the window with the last moment each was in force, oldest first, each higher than all
  /// later ones: the first is the highest of the window.
  std::deque<std::pair<TimePoint, std::int64_t>> wants;
  std::deque<TimePoint> created;  ///< Pods asked for in the last minute.
  std::deque<TimePoint> removed;  ///< Pods given up for scale-down in the last minute.
  /// Since when nothing is used or waiting. Absent: there is work.
  std::optional<TimePoint> idle_since;
  /// The last number of workers decided on; `paused` holds it. After a restart from the status.
  std::optional<std::int64_t> target;
  std::map<std::string, Failures> failures;  ///< By revision; none: all is well.
  std::set<std::string> failed_uids;
  std::set<std::string> taken_names;  ///< Names that somebody else's pods hold.
  /// Names of workers that had to leave their node, and when each was last seen so.
  std::map<std::string, TimePoint> resting_names;
  /// Workers whose pod somebody else deleted and that have been idle since then and still answer,
  /// by uid.
  std::map<std::string, TimePoint> idle_deleted;
  std::string proven;              ///< The revision that was last seen working as the current one.
  std::int64_t trial_victims = 0;  ///< Working workers given up to make room for a trial.
  std::string rolling_to;          ///< The revision that is being rolled out; empty: none.
};

/// What the schedules ask for at this moment (scaling/schedule.h).
struct ScheduledMinimum {
  std::int64_t min_workers = 0;
  std::string name;                ///< Of the schedule that decides; empty: none is active.
  std::optional<TimePoint> until;  ///< When this may change.
};

struct Observed {
  std::shared_ptr<const api::SessionPool> pool;  ///< Never null; shared with the cache of pools.
  std::string revision;  ///< pool_revision(pool), made once per change of the pool.
  std::set<std::string> known_revisions;  ///< Earlier ones of which workers can still be made.
  std::vector<Worker> workers;            ///< By name.
  PoolDemand demand;
  ScheduledMinimum scheduled;
  History history;
  /// What the API server has against pods of `revision`; empty: nothing that we know.
  std::string refusal;
  /// What keeps new workers from knowing who may call them until a person acts; empty: nothing.
  std::string keys_trouble;
};

}  // namespace berth::op
