#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/activity.h"
#include "berth/api/session.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/observe/log.h"
#include "worker/service/activity_runner.h"
#include "worker/service/session_directories.h"
#include "worker/service/stall_watch.h"
#include "worker/service/worker_metrics.h"
#include "worker/session/session_table.h"

namespace berth::worker {

/// Who this worker is, for answers and logs.
struct WorkerIdentity {
  std::string name;  ///< The pod's.
  api::WorkerUid uid;
  api::Incarnation incarnation;
  std::string pool;
  std::string ns;
};

/// The session table in motion: time, activities, directories, metrics and the audit log around it.
/// What HTTP and, later, other engines call. Loop thread only.
///
/// After every step it does what the table asks for (cancel activities, remove directories), tells
/// the watchers, and sets its timer anew.
class WorkerService {
 public:
  struct Parts {
    EventLoop& loop;
    Random& random;
    SessionTable& table;
    const ActivityRegistry& registry;
    SessionDirectories& directories;
    WorkerMetrics& metrics;
    Log log;
  };
  WorkerService(Parts parts, WorkerIdentity identity);
  ~WorkerService();
  WorkerService(const WorkerService&) = delete;
  WorkerService& operator=(const WorkerService&) = delete;

  /// "host:port" under which clients reach this worker; known once the server listens.
  void set_address(std::string address) { address_ = std::move(address); }
  /// Does what a restored table asks for. Once, before requests.
  void start();

  const SessionTable& table() const { return parts_.table; }
  const WorkerIdentity& identity() const { return identity_; }

  // --- sessions

  struct Created {
    api::SessionCreated answer;
    bool is_new = false;
  };
  /// As SessionTable::admit(); makes id and token where the caller gave none, and checks a recreate
  /// token: Conflict "WrongWorker", PermissionDenied "TokenMismatch".
  Result<Created> create(api::CreateSession ask);

  /// Whether `token` is the session's. Ok for ended sessions too while they are remembered.
  /// Unauthenticated without a token, PermissionDenied "TokenMismatch", NotFound "SessionNotFound".
  Status check_token(const api::SessionId& id, std::string_view token) const;
  /// For the metrics: `error` is what a call without a valid session or control token was told.
  void token_refused(const Error& error) { parts_.metrics.token_refused(error.reason_or_code()); }
  /// An authenticated call arrived or is being answered: the lease is renewed and the session
  /// counts as used.
  void heard(const api::SessionId& id);
  void touched(const api::SessionId& id) { parts_.table.touch(id); }
  /// Open, ending, or remembered as ended; else as check_open().
  Result<api::SessionInfo> info(const api::SessionId& id) const;
  std::vector<api::SessionInfo> list() const;
  Status complete(const api::SessionId& id, Duration keep_for);
  Status give_back(const api::SessionId& id, const std::string& attempt);
  /// The session's directory, made if missing. For open sessions.
  Result<std::filesystem::path> directory(const api::SessionId& id);

  // --- activities

  Result<api::ActivityInfo> start_activity(const api::SessionId& session, api::StartActivity ask,
                                           bool& is_new);
  Result<api::ActivityInfo> activity(const api::SessionId& session,
                                     const api::ActivityId& id) const;
  /// What an activity prints that was started to stream it. Conflict "NotStreamed" if it was not,
  /// Gone "OutputForgotten" if it is over and nothing is kept.
  Result<std::shared_ptr<OutputStream>> activity_output(const api::SessionId& session,
                                                        const api::ActivityId& id) const;
  Status cancel_activity(const api::SessionId& session, const api::ActivityId& id);
  /// `fn` runs after each change of that activity (progress, state, its session's end), until the
  /// handle is destroyed.
  Cancel watch_activity(const api::SessionId& session, const api::ActivityId& id,
                        std::function<void()> fn);
  std::size_t activity_watches() const { return watches_->size(); }

  // --- switches

  Status cordon(std::int64_t epoch);
  Status uncordon(std::int64_t epoch);
  Status drain(std::int64_t epoch, Duration after);
  Status retire();
  /// Runs after each retire() that succeeds.
  void on_retired(std::function<void()> fn) { retired_ = std::move(fn); }
  /// SIGTERM: serve open sessions for `after`, then end them; `drained` runs once none is left. A
  /// second call may only shorten.
  void shut_down(Duration after, std::function<void()> drained);
  bool shutting_down() const { return parts_.table.shutting_down(); }
  bool drained() const { return shutting_down() && parts_.table.empty(); }

  /// The control keys changed, which is told beside the slots.
  void keys_changed() {
    parts_.table.touch();
    if (slots_changed_) {
      slots_changed_();
    }
  }
  /// Runs after each change of slots().
  void on_slots_change(std::function<void()> fn) { slots_changed_ = std::move(fn); }
  /// Runs when shut_down() is called, and when it has drained.
  void on_shutdown_step(std::function<void()> fn) { shutdown_step_ = std::move(fn); }
  /// Fills in SessionInfo::disk_bytes.
  void set_disk_usage(std::function<std::int64_t(const api::SessionId&)> fn) {
    disk_usage_ = std::move(fn);
  }

 private:
  using WatchKey = std::pair<api::SessionId, api::ActivityId>;
  using Watches =
      std::multimap<WatchKey, std::pair<std::uint64_t, std::shared_ptr<std::function<void()>>>>;

  Result<api::SessionId> claimed_hold(const api::CreateSession& ask) const;
  std::string recreate_token(const api::SessionId& id, const std::string& token_hash) const;
  api::SessionCreated answer_for(const Session& session) const;
  api::SessionInfo info_of(const Session& session) const;
  api::SessionInfo info_of(const EndedSession& session) const;
  api::WorkerRef ref() const;
  /// What follows every step on the table.
  void settle();
  void handle(const TableEvent& event);
  void handle_ended(const EndedSession& over);
  void notify_activity(const api::SessionId& session, const api::ActivityId& id);
  void notify_session(const api::SessionId& session);
  void arm();

  Parts parts_;
  WorkerIdentity identity_;
  std::string address_;
  ActivityRunner runner_;
  std::shared_ptr<Watches> watches_ = std::make_shared<Watches>();
  std::uint64_t last_watch_ = 0;
  std::function<void()> slots_changed_;
  std::function<void()> shutdown_step_;
  std::function<std::int64_t(const api::SessionId&)> disk_usage_;
  std::function<void()> retired_;
  std::function<void()> drained_;
  std::int64_t settled_version_ = 0;
  bool settling_ = false;
  TimePoint armed_for_ = TimePoint::max();
  Cancel timer_;
  StallWatch stall_watch_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
