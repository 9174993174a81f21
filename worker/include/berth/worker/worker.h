#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "berth/worker/activity_context.h"

namespace berth::worker {

/// What a program that embeds a worker decides in code. Everything else comes from the same
/// configuration that `berth-worker` reads (see worker/README.md); where both say something, the
/// configuration wins.
struct WorkerOptions {
  /// Sessions open at once, where the configuration does not give `sessions.maxPerWorker`; 0: it
  /// must give it.
  std::int64_t max_concurrent_sessions = 10'000;
  /// Threads that run C++ activities: more wait their turn. A thread is made when first needed.
  std::size_t activity_threads = 64;
  /// Name in logs and in --help.
  std::string program = "berth-worker";
};

/// A worker process: serves sessions over HTTP and runs their activities.
///
///     int main(int argc, char** argv) {
///       berth::worker::Worker worker;
///       worker.register_activity("fetch", [](berth::worker::ActivityContext& ctx, const
///       berth::Json& input)
///                                             -> berth::Result<berth::Json> {
///         ...write into ctx.directory()...
///         return berth::Json{{"bytes", n}};
///       });
///       return worker.run(argc, argv);
///     }
///
/// One per process: run() takes SIGTERM, SIGINT and SIGCHLD, and locks the state directory.
class Worker {
 public:
  explicit Worker(WorkerOptions options = {});
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Before run(). The name is [A-Za-z0-9_.-]{1,63} and not "exec"; each may be taken once, also by
  /// the configuration's own activities.
  Status register_activity(std::string name, ActivityFunction function);

  /// Reads flags, environment and configuration, serves until SIGTERM has drained it, and returns
  /// the exit status: 0 after a drain or --help, 1 when it could not start or go on, 2 for a wrong
  /// flag.
  int run(int argc, char** argv);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::worker
