#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load/session_requests.h"
#include "tests/bench/stand/child.h"

namespace berth::bench {

/// A whole Berth on this machine: the dev cluster (API server and node, on a thread of this
/// process), the operator, the gateway, and one pool of a fixed number of workers, all of them the
/// real programs. The gateway has the servers' core for itself; all else is on the load's.
class Stack {
 public:
  struct Options {
    std::filesystem::path bin;  ///< The programs.
    std::filesystem::path dir;  ///< Emptied first.
    int workers = 1;
    int slots = 1;  ///< Of each worker.
  };
  /// Returns when the gateway knows every slot of every worker; an error after 90 s.
  static Result<std::unique_ptr<Stack>> start(const Options& options);
  ~Stack();  ///< Ends everything that it started.

  struct Pod {
    std::string name;
    std::string uid;
    std::string ip;
  };
  std::vector<Pod> pods() const;
  /// Ids of the sessions that a worker itself says it has.
  Result<std::vector<std::string>> sessions_of(const Pod& pod) const;

  /// What has been written at the API server since the start.
  struct Writes {
    std::uint64_t leases = 0;
    std::uint64_t others = 0;
  };
  Writes writes() const;
  /// Requests other than GET that the operator has sent to the API server, by its own count.
  Result<std::uint64_t> operator_write_requests() const;

  /// Sessions of the pool through the gateway.
  const Target& gateway() const { return gateway_; }
  /// The worker's own door to a session of that pod.
  Target worker(const Pod& pod) const;
  pid_t gateway_pid() const { return gateway_child_->pid(); }
  pid_t operator_pid() const { return operator_child_->pid(); }

 private:
  class Cluster;
  Stack();
  Status start_cluster(const Options& options);
  Status start_programs(const Options& options);
  Status wait_for_slots(const Options& options) const;

  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Child> gateway_child_;
  std::unique_ptr<Child> operator_child_;
  Target gateway_;
  Target operator_probes_;
};

}  // namespace berth::bench
