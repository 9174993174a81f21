#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "berth/http/server.h"
#include "devcluster/node/address_range.h"
#include "devcluster/node/plain_path.h"
#include "devcluster/node/pod_runner.h"

namespace berth::devcluster {

struct NodeOptions {
  std::string name = "berth-dev";
  std::filesystem::path data_dir =
      {};  ///< Exists, and is ours alone. Emptied of earlier pods at start.
  ImageSettings images = {};
  RestartBackoff backoff = {};
  std::size_t max_pods = 110;
  std::uint64_t log_bytes = 8u << 20;  ///< Per container, and once more for the rotated part.
};

/// The cluster's only node: binds pods that have none to itself and runs the containers of its pods
/// as child processes, each pod with a loopback address of its own. Scheduler and kubelet in one,
/// straight on the store. Loop thread only.
class Node {
 public:
  /// All must outlive the node.
  Node(AsioLoop& loop, Store& store, http::Transport& transport, Log log, NodeOptions options);
  ~Node();  ///< Kills every pod's processes.
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Claims addresses, registers the Node object and takes the pods that are there.
  Status start();
  /// Ends all pods, each within its own grace but at most `max_grace`; takes no more. Then `done`.
  /// Programs do not know that their grace is cut: at half of `max_grace` they are told once more.
  void stop(Duration max_grace, std::function<void()> done);

  /// Answers GET .../log for a pod: container, follow, tailLines, limitBytes.
  void serve_log(const Json& pod, const std::shared_ptr<http::Exchange>& exchange);

  std::size_t running_pods() const { return runners_.size(); }
  /// "127.64.0.0/16"
  std::string address_range() const { return range_ ? range_->cidr() : ""; }

 private:
  void note(const WatchEvent& event);
  void wake();
  void sync();
  void sync_pod(const ObjectKey& key);
  void bind(const Json& pod);
  std::size_t unfinished() const;
  void mark_unschedulable(const Json& pod);
  void run(const Json& pod, const std::string& uid);
  void drop(const std::string& uid);
  void pod_finished();
  void check_stopped();
  Status register_node();

  PlainPath pods_dir_;
  NodeContext context_;
  const NodeOptions options_;
  std::optional<AddressRange> range_;
  std::map<std::string, std::unique_ptr<PodRunner>> runners_;   // by uid
  std::set<std::string> waiting_;                               // pods without room, "ns/name"
  std::set<std::pair<std::string, std::string>> dirty_pods_;    // ns, name
  std::set<std::string> gone_;                                  // uids
  std::set<std::pair<std::string, std::string>> dirty_config_;  // plural, name
  Cancel wake_;
  Cancel subscription_;
  bool retry_waiting_ = false;
  bool stopping_ = false;
  std::function<void()> stopped_;
  Cancel half_time_;
};

}  // namespace berth::devcluster
