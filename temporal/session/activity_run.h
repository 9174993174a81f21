#pragma once

#include <functional>
#include <string>

#include "temporal/pool/pool.h"
#include "temporal/session/answers.h"
#include "temporal/session/heartbeats.h"

namespace berth::temporal {

/// What the log, the metrics and the workflow call an outcome.
enum class Outcome { kCompleted, kFailed, kCancelled, kLost };
std::string to_string(Outcome outcome);

/// One activity of a session: runs there, tells Temporal that it runs, with its progress, and in
/// the end how it went. A cancel that the workflow asks for stops it; the answer follows its real
/// end. Of one that was lost with its session Temporal is told nothing here: it must hear of the
/// session first. Loop thread only.
class ActivityRun {
 public:
  struct Hooks {
    std::function<void()> unwanted;  ///< The workflow has cancelled it, or is over.
    /// Once, with its session's error where the outcome is kLost. May destroy this.
    std::function<void(Outcome, const Error&)> ended;
  };
  /// `id` names it in the Berth session; the same id after a restart joins the one that runs.
  ActivityRun(EventLoop& loop, Service& service, Answers& answers, ActivityTask task,
              std::string id, Hooks hooks, const Log& log);

  const ActivityTask& task() const { return task_; }

  /// `input` as the session's activity takes it. `resumed`: an earlier process had it, and Temporal
  /// has not heard of it for a while.
  void start(HeldSession& held, Json input, bool resumed);
  /// Its session ends.
  void cancel();

  /// How a result reads in the workflow: the activity's own JSON; for "exec" {"exitStatus",
  /// "stdout" (or "stdoutBase64" where it is not text), "stderr"}.
  static Json result_of(const std::string& type, const ActivityEnd& end);

 private:
  void ended(const ActivityEnd& end);
  Outcome succeeded(Json result);

  Answers& answers_;
  const ActivityTask task_;
  const std::string id_;
  Hooks hooks_;
  Log log_;
  Heartbeats heartbeats_;
  std::function<void()> stop_;
  bool cancel_requested_ = false;
  bool gone_ = false;  ///< Temporal wants no answer any more.
};

}  // namespace berth::temporal
