#pragma once

#include <functional>
#include <string>

#include "berth/observe/log.h"
#include "temporal/rpc/service.h"

namespace berth::temporal {

/// Keeps one activity task ours: tells Temporal that it is worked on, about three times per
/// heartbeat timeout and at least every 10 s, and hears so that it is to be cancelled or over.
/// Also without a heartbeat timeout, since a workflow's wish to cancel comes only this way.
///
/// A beat that gets no answer is repeated each second. After five minutes without one the task
/// counts as gone: a slot must not be held for ever for a server that is no more. Loop thread only.
class Heartbeats {
 public:
  struct Hooks {
    std::function<void()> cancel_requested;  ///< Once. May destroy this, as gone() may.
    /// Once: Temporal has taken the task back, or closed its workflow.
    std::function<void(const Error&)> gone;
  };
  Heartbeats(EventLoop& loop, Service& service, std::string token, Duration timeout, Hooks hooks,
             Log log);

  /// The first beat comes one interval from now, or at once.
  void start(bool at_once);
  /// Asks now: something hints at news.
  void look();
  /// What the next beat tells: the newest counts.
  void set_details(Json details) { details_ = std::move(details); }

 private:
  void beat();
  void answered(const Result<bool>& result);

  EventLoop& loop_;
  Service& service_;
  const std::string token_;
  const Duration interval_;
  Hooks hooks_;
  Log log_;
  Json details_;
  TimePoint last_answer_{};
  bool beating_ = false;  ///< A beat waits for its answer.
  bool cancel_told_ = false;
  bool silent_ = false;  ///< The log has said that answers stay away.
  Cancel call_;
  Cancel timer_;
};

}  // namespace berth::temporal
