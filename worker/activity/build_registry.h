#pragma once

#include <string>
#include <utility>
#include <vector>

#include "berth/api/worker_config.h"
#include "berth/base/event_loop.h"
#include "berth/base/thread_pool.h"
#include "berth/http/transport.h"
#include "berth/observe/log.h"
#include "berth/worker/activity_context.h"
#include "worker/activity/executor.h"
#include "worker/activity/process/supervisor.h"

namespace berth::worker {

/// What the executors run on. Everything outlives the registry; the pool is destroyed before the
/// loop.
struct ExecutorParts {
  AsioLoop& loop;
  ProcessSupervisor& supervisor;
  http::Transport& transport;
  ThreadPool& functions;
  Log log;
  std::string path;  ///< PATH for commands; empty: the system's usual one.
};

/// All activities that a worker offers: those of its configuration, `exec` where that is allowed,
/// and the C++ functions. kAlreadyExists if a name is taken twice, kInvalidArgument if a URL cannot
/// be understood.
Result<ActivityRegistry> build_registry(
    const ExecutorParts& parts, const api::WorkerConfig& config,
    const std::vector<std::pair<std::string, ActivityFunction>>& functions = {});

}  // namespace berth::worker
