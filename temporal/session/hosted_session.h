#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/backoff.h"
#include "temporal/metrics.h"
#include "temporal/pool/pool.h"
#include "temporal/session/activity_run.h"
#include "temporal/state/store.h"

namespace berth::temporal {

/// The activity types that the Go SDK uses for a session's begin and end.
inline constexpr std::string_view kCreationActivity = "internalSessionCreationActivity";
inline constexpr std::string_view kCompletionActivity = "internalSessionCompletionActivity";

/// The request for a session, as its workflow sent it.
struct Binding {
  std::string token;       ///< Of the creation activity, which lasts as long as the session.
  std::string session_id;  ///< The workflow's; the name of the signal that it waits for.
  std::string workflow_id;
  std::string run_id;
  Duration heartbeat_timeout{};

  /// InvalidArgument when the task's argument is no session id.
  static Result<Binding> of(const ActivityTask& creation);
};

/// One workflow's session on one Berth session, from the signal that tells the workflow where to
/// send its activities, to the end of whichever is over first. Protocol: createSession and
/// sessionCreationActivity in the Go SDK's internal/session.go.
///
/// The queue of the session is its own, "ID@WORKER", so an activity reaches the session it is for
/// and no other. The queue is served for a while after the end: a late activity gets an answer
/// instead of waiting for its timeout, and RecreateSession asks there.
///
/// Begin, activities and end are in the store, so that a next process goes on. Loop thread only.
class HostedSession {
 public:
  struct Parts {
    EventLoop& loop;
    Service& service;
    Answers& answers;
    Store& store;
    Random& random;
    EngineMetrics& metrics;
    Log log;
  };
  struct Hooks {
    /// Somebody wants a new session on this one's worker.
    std::function<void(const ActivityTask&, const std::string& recreate_token)> recreate;
    std::function<void()> gone;  ///< Once, nothing is left to do. Must not destroy this at once.
  };
  /// `keep_for`: how long slot and directory are held after the end, for RecreateSession.
  HostedSession(Parts parts, Binding binding, std::unique_ptr<HeldSession> held, Duration keep_for,
                Hooks hooks);
  ~HostedSession();

  /// What the store has of a session, `files` by its names: its own and those of its activities.
  static std::unique_ptr<HostedSession> restore(const Parts& parts, Pool& pool,
                                                const std::string& name,
                                                const std::map<std::string, Json>& files,
                                                Duration keep_for, Hooks hooks);

  /// Writes it down and tells the workflow. An error: nothing has begun, the caller answers.
  Status begin();

  /// Serves its workflow. Behind the end it only answers what comes late.
  bool open() const { return open_; }
  /// Activities have not all stopped.
  bool busy() const { return !runs_.empty(); }
  /// Ends it with a failure that its workflow sees as ErrSessionFailed.
  void shut_down();

 private:
  void go_on();
  void signal();
  void signalled(const Status& status);
  void poll();
  void polled(const Result<std::optional<ActivityTask>>& result);
  void take(const ActivityTask& task);
  void run(const ActivityTask& task);
  void start_run(const ActivityTask& task, const std::string& id, Json input, bool resumed);
  void run_ended(const std::string& id, Outcome outcome, const Error& why);
  void orphaned(const std::string& token);
  void end(End how, const Error& why, const std::optional<std::string>& completion_token = {});
  void answer_creation(End how, const Error& why, const std::optional<std::string>& completion);
  void leave_if_done();

  const Parts parts_;
  const Binding binding_;
  const std::unique_ptr<HeldSession> held_;
  const Duration keep_for_;
  Hooks hooks_;
  const Log log_;
  const std::string name_;   ///< The Berth session's id: the state's name.
  const std::string queue_;  ///< Temporal's task queue for this session alone.
  Backoff signal_backoff_;
  Backoff poll_backoff_;
  bool open_ = false;
  bool leaving_ = false;  ///< No more polls.
  bool polling_ = false;
  std::unique_ptr<Heartbeats> heartbeats_;
  std::map<std::string, std::unique_ptr<ActivityRun>> runs_;
  /// Activities lost with the session. Their workflow is to hear of the session first, or it takes
  /// them for failures of their own.
  struct Orphans {
    bool session_told = false;
    std::vector<std::string> tokens;
  };
  std::shared_ptr<Orphans> orphans_ = std::make_shared<Orphans>();
  Cancel signal_call_;
  Cancel poll_call_;
  Cancel linger_;
};

}  // namespace berth::temporal
