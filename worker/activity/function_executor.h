#pragma once

#include <memory>

#include "berth/base/event_loop.h"
#include "berth/base/thread_pool.h"
#include "berth/observe/log.h"
#include "berth/worker/activity_context.h"
#include "worker/activity/executor.h"

namespace berth::worker {

/// Bounds for functions, which have no ActivitySpec.
struct FunctionLimits {
  Duration start_to_close_timeout = std::chrono::hours(24);  ///< Default and upper bound.
  Duration stop_grace =
      std::chrono::seconds(15);  ///< Not returned this long after a stop: the run is stuck.
};

/// Runs a C++ function on a thread of the pool. While all threads are busy it waits its turn, as a
/// running activity; a full queue refuses it (kResourceExhausted "TooManyActivities").
///
/// Stopping is a request (std::stop_token): a thread cannot be killed, so a function that ignores
/// it is `stuck` and keeps its slot until it returns. A result that comes after a cancel still
/// counts, one after a timeout does not. What a function throws becomes the failure "Internal".
class FunctionExecutor final : public Executor {
 public:
  /// Destroy the pool before the loop: its threads post to it.
  FunctionExecutor(EventLoop& loop, ThreadPool& pool, ActivityFunction function, Log log = {},
                   FunctionLimits limits = {});

  Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) override;

 private:
  EventLoop& loop_;
  ThreadPool& pool_;
  ActivityFunction function_;
  Log log_;
  FunctionLimits limits_;
};

}  // namespace berth::worker
