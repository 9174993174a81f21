#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/observe/log.h"
#include "devcluster/apiserver/faults.h"
#include "devcluster/apiserver/server.h"
#include "devcluster/apiserver/store.h"
#include "devcluster/node/node.h"

namespace berth::devcluster {

class GarbageCollector;

/// A Kubernetes-compatible cluster of one node in this process: API server, garbage collector, and
/// a node that runs pods as child processes. What `berth dev` starts, and what integration tests
/// run the real programs against.
///
///     DevCluster cluster(loop, random, log, {.token = token, .data_dir = dir,
///                                            .images = {{"berth.local/worker",
///                                            "/usr/bin/berth-worker"}}});
///     BERTH_TRY(cluster.start());
///     write_file_atomic(kubeconfig_path, cluster.kubeconfig(), 0600);
///     ...
///     cluster.stop([&] { loop.stop(); });
///
/// Loop thread only; the thread that calls start() must live as long as the cluster (its death ends
/// the pods). The owner must not waitpid(-1).
struct DevClusterOptions {
  std::string address = "127.0.0.1:0";
  std::string token = {};               ///< What callers must show; at least 16 characters.
  std::filesystem::path data_dir = {};  ///< Made if absent; for one cluster at a time.
  std::map<std::string, std::filesystem::path> images = {};  ///< Image name to program.
  Environment extra_env =
      {};                ///< For every container; "{podIP}" is replaced ({"BERTH_LISTEN_HOST",
                         ///< "{podIP}"}).
  bool run_pods = true;  ///< False: no node; tests play it by writing pod statuses.
  bool faults_endpoint = false;
  RestartBackoff backoff = {};
  std::size_t max_pods = 110;
  Duration bookmark_interval = std::chrono::seconds(15);
  Duration shutdown_grace =
      std::chrono::seconds(10);  ///< stop() gives pods their own grace, but not more.
};

class DevCluster {
 public:
  DevCluster(AsioLoop& loop, Random& random, Log log, DevClusterOptions options);
  ~DevCluster();  ///< Kills what still runs.
  DevCluster(const DevCluster&) = delete;
  DevCluster& operator=(const DevCluster&) = delete;

  /// Listens and starts the node. A port in use, a data directory in use, a bad token: an error
  /// that says the way out.
  Status start();
  /// Ends the pods (SIGTERM, their grace, SIGKILL), then the server, then calls `done`. No process
  /// is left. Once.
  void stop(std::function<void()> done);

  /// "127.0.0.1:7070", with the real port.
  const std::string& address() const { return server_.address(); }
  /// For kubectl and our programs. Holds the token: write it with mode 0600.
  std::string kubeconfig() const { return server_.kubeconfig(); }

  Store& store() { return store_; }
  Faults& faults() { return faults_; }
  ApiServer& server() { return server_; }
  /// Null with run_pods false.
  Node* node() { return node_.get(); }

 private:
  Status lock_data_dir();

  AsioLoop& loop_;
  Log log_;
  const DevClusterOptions options_;
  UniqueFd lock_;
  Store store_;
  Faults faults_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<GarbageCollector> collector_;
  std::unique_ptr<Node> node_;
  ApiServer server_;
};

}  // namespace berth::devcluster
