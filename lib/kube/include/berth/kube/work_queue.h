#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/observe/metrics.h"

namespace berth::kube {

/// What a reconcile wants next.
struct ReconcileResult {
  bool failed = false;                    ///< Come back after this key's backoff.
  std::optional<Duration> requeue_after;  ///< Come back then; an earlier add wins.
  static ReconcileResult ok() { return {}; }
  static ReconcileResult error() { return {true, std::nullopt}; }
  static ReconcileResult after(Duration d) { return {false, d}; }
};

/// What goes first when several keys are due.
enum class Urgency {
  kNews,  ///< Something about this key has changed.
  kBulk,  ///< One of very many that are looked at in passing, at a start for example.
};

/// Keys that need work, each worked on by at most one at a time (client-go's queue semantics on one
/// loop): news goes before bulk, and each in the order of its adds; a key added while it is worked
/// on comes once more afterwards; equal keys merge to the more urgent; delayed adds merge to the
/// earlier time, and an add at once takes their place; failures back off per key, 5 ms doubling to
/// 60 s, until one succeeds. After each `concurrency` keys the loop may do something else, so that
/// news comes in, and goes ahead, while there is much to do. Exports workqueue_* and
/// controller_runtime_reconcile_*.
class WorkQueue {
 public:
  using Done = std::function<void(ReconcileResult)>;
  /// Starts work on a key; calls `done` once, now or later, on the loop. A `done` that is dropped
  /// uncalled counts as a failure; a second call does nothing.
  using Reconcile = std::function<void(const std::string& key, Done done)>;

  WorkQueue(EventLoop& loop, const std::string& name, int concurrency, Metrics& metrics,
            Reconcile reconcile);
  ~WorkQueue();
  void start();
  /// Takes no more; `on_idle` once what is being worked on is done.
  void stop(std::function<void()> on_idle);

  void add(const std::string& key, Urgency urgency = Urgency::kNews);
  void add_after(const std::string& key, Duration delay);
  std::size_t depth() const;
  /// How long the longest-running reconcile has been at it, for /healthz.
  Duration longest_running() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared: a Done may outlive the queue
};

}  // namespace berth::kube
