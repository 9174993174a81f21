#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "berth/api/activity.h"
#include "berth/base/event_loop.h"
#include "berth/observe/log.h"
#include "worker/activity/executor.h"
#include "worker/activity/output_stream.h"
#include "worker/service/worker_metrics.h"
#include "worker/session/session_table.h"

namespace berth::worker {

/// Runs what the table has accepted: hands activities to their executors and their outcomes to the
/// table. Loop thread only. Outlives its runs: destroy it only when running() is 0, or when the
/// process is about to exit.
class ActivityRunner {
 public:
  static constexpr std::size_t kMaxResultBytes = 8u << 20;
  static constexpr std::size_t kMaxProgressBytes = 64u << 10;
  /// Unread output of a session's activities that are over: the newest is kept whatever its size.
  static constexpr std::size_t kMaxUnreadBytes = 4u << 20;
  static constexpr std::size_t kMaxUnread = 100;

  /// `changed` runs after the table was changed from here (not from inside start() and cancel()):
  /// for this activity, or for its whole session.
  using ChangedFn = std::function<void(const api::SessionId&, const api::ActivityId&)>;
  ActivityRunner(EventLoop& loop, SessionTable& table, const ActivityRegistry& registry,
                 WorkerMetrics& metrics, Log log, ChangedFn changed);
  ~ActivityRunner();

  /// Starts it, or finds it started by an earlier call. InvalidArgument "UnknownActivity" with the
  /// types that this worker has; otherwise as SessionTable::accept_activity() and the executor's
  /// own refusal, after which the id is free.
  Result<SessionTable::Accepted> start(const api::SessionId& session, api::StartActivity ask,
                                       const std::filesystem::path& directory);
  /// Asks it to stop. Nothing if it does not run.
  void cancel(const api::SessionId& session, const api::ActivityId& activity,
              const std::string& why);

  /// Its output, if it streams it: until its session is forgotten, or newer unread output of that
  /// session takes its place. Null if there is none (any more).
  std::shared_ptr<OutputStream> output(const api::SessionId& session,
                                       const api::ActivityId& activity) const;
  /// The session is over: nobody may read its output any more.
  void forget(const api::SessionId& session);

  std::size_t running() const { return runs_.size(); }

 private:
  using Key = std::pair<api::SessionId, api::ActivityId>;
  struct Run {
    std::unique_ptr<ActivityRun> run;
    std::string type;
    TimePoint started_at;
    bool told_stuck = false;
  };
  ActivityEvents events_for(const Key& key);
  void on_done(const Key& key, ActivityOutcome outcome);
  void look_for_stuck();
  void keep_output(const Key& key);

  EventLoop& loop_;
  SessionTable& table_;
  const ActivityRegistry& registry_;
  WorkerMetrics& metrics_;
  Log log_;
  ChangedFn changed_;
  std::map<Key, Run> runs_;
  struct Output {
    std::shared_ptr<OutputStream> stream;
    std::uint64_t finished = 0;  ///< In order of their ends; 0 while it runs.
  };
  std::map<Key, Output> outputs_;
  std::uint64_t last_finished_ = 0;
  Cancel stuck_timer_;
};

}  // namespace berth::worker
