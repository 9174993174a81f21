#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "berth/observe/log.h"
#include "berth/worker/worker.h"
#include "worker/config/worker_settings.h"

namespace berth::worker {

/// One worker from its settings to its exit: journal, table, executors, servers, signals. Owns the
/// loop.
class WorkerProcess {
 public:
  using Functions = std::vector<std::pair<std::string, ActivityFunction>>;
  WorkerProcess(WorkerSettings settings, Functions functions, std::size_t function_threads,
                Log log);
  ~WorkerProcess();

  /// Opens everything, in the order in which it may be trusted: what an earlier process left is
  /// dead before its sessions are served. An error says what is in the way; nothing is served then.
  Status start();
  /// Port and probe port as JSON, for whoever asked for port 0.
  Status write_ports(const std::filesystem::path& file) const;
  /// Serves until SIGTERM or SIGINT has drained it. The exit status.
  int run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::worker
