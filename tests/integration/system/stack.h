#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "berth/base/random.h"
#include "berth/client/client.h"
#include "berth/http/transport.h"
#include "cli/dev/dev_keys.h"
#include "devcluster/cluster.h"
#include "tests/fakes/certificates.h"
#include "tests/integration/system/test_process.h"

namespace berth::system_test {

/// A whole Berth in a directory of its own: API server and node in this process, on a thread of
/// their own; the real gateway and operator beside it; real workers as the node's pods. Used from
/// the test's thread, except client(), http() and await().
class Stack {
 public:
  Stack();
  /// Ends everything. What is still running then is a failure of the test.
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  const std::string& gateway() const { return gateway_url_; }
  const std::string& token() const { return token_; }
  std::string token_file() const { return keys_.token_file; }

  /// Starts it and waits until it serves; after kill_gateway() on the same port as before.
  void start_gateway();
  void kill_gateway() { gateway_.reset(); }
  void start_operator();
  void kill_operator() { operator_.reset(); }

  /// From now on the operator keeps the control keys itself, in the namespace kOperatorNamespace,
  /// and finds the gateway by a Service; the gateway reads its keys from files that follow the
  /// objects, as a kubelet's mounts do. Before the first start.
  void keep_keys_in_cluster();
  /// The gateway and operators that are started from now on watch these namespaces only.
  void watch_only(std::vector<std::string> namespaces) { namespaces_ = std::move(namespaces); }
  static constexpr const char* kOperatorNamespace = "berth-system";
  /// From now on the gateway serves https, and so do workers of pools with `worker.tls` of
  /// kWorkerSecret; everybody trusts ca_file(). Before the first start.
  void use_tls();
  static constexpr const char* kWorkerSecret = "worker-tls";
  std::filesystem::path ca_file() const { return dir_ / "ca.crt"; }
  /// Another Secret with a certificate for workers.
  void add_worker_secret(const std::string& name);
  /// New ones for gateway and workers, of the same authority.
  void rotate_certificates();
  /// The one that workers of kWorkerSecret are to show now, PEM.
  const std::string& worker_certificate() const { return worker_certificate_; }
  /// Another replica. The log is DIR/<name>.log.
  std::unique_ptr<TestProcess> start_replica(const std::string& name);
  /// An object of the API server; null when there is none.
  Json object(const std::string& plural, const std::string& ns, const std::string& name);
  void patch(const std::string& plural, const std::string& ns, const std::string& name,
             const Json& patch);
  void create(const std::string& plural, const std::string& ns, const Json& object);
  void remove(const std::string& plural, const std::string& ns, const std::string& name);
  const std::string& kubeconfig() const { return kubeconfig_; }
  /// Asks a program's probe port. The status, or 0 without an answer within two seconds.
  int probe(const std::string& program, const std::string& path);
  /// What a program's /metrics answers.
  std::string metrics(const std::string& program);
  /// The same of a worker; empty without an answer.
  std::string worker_metrics(const std::string& ip);

  /// Creates a SessionPool in the namespace "default", and waits until a running gateway sees it.
  void add_pool(const std::string& name, const Json& spec);
  /// A spec that scales within a second, for `max_workers` workers of `slots` sessions each.
  static Json quick_pool(int max_workers, int slots);

  client::ClientOptions client_options(const std::string& pool) const;

  /// Waits for `condition`, which is looked at after every change in the API server, and now and
  /// then besides, since sessions leave no trace there. False when `limit` passed first.
  bool await(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(30));

  /// One pool of the gateway's /v1/pools?members=true; null when the gateway does not know it.
  Json pool(const std::string& name);
  std::int64_t used_slots(const std::string& name);
  std::int64_t waiting(const std::string& name);
  /// Pods as the API server has them.
  std::vector<Json> pods();
  pid_t worker_pid(const std::string& pod) const;

  struct Answer {
    int status = 0;  ///< 0: no answer.
    std::string text;
    Json body;
  };
  /// One request to the gateway.
  Answer http(const std::string& method, const std::string& target, const std::string& token,
              const std::string& body = "");
  Answer http(const std::string& method, const std::string& target) {
    return http(method, target, token_);
  }

  /// Runs `fn` on the cluster's thread and waits for it.
  void on_loop(const std::function<void()>& fn);
  devcluster::DevCluster& cluster() { return *cluster_; }  ///< Only inside on_loop().

 private:
  void run_cluster();
  std::vector<std::string> operator_command() const;
  std::vector<std::string> with_namespaces(std::vector<std::string> argv) const;
  void follow_keys(const devcluster::WatchEvent& event);
  void publish_gateway();
  void write_gateway_pair();
  void store(const std::string& plural, const std::string& ns, const Json& object);
  std::string metrics_at(const std::string& origin);
  Answer call(const std::string& origin, const http::Request& request,
              const http::CallOptions& options);
  Json start(std::unique_ptr<TestProcess>& process, const std::string& name,
             std::vector<std::string> argv);

  std::filesystem::path dir_;
  AsioLoop loop_;
  SystemRandom random_;
  cli::DevKeys keys_;
  std::string token_;
  std::string kubeconfig_;
  bool keys_in_cluster_ = false;
  std::vector<std::string> namespaces_;
  std::optional<fakes::CertificateAuthority> authority_;  ///< With TLS.
  std::string worker_certificate_;
  std::filesystem::path gateway_key_;
  std::filesystem::path gateway_jwks_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<devcluster::DevCluster> cluster_;
  Cancel changes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t change_ = 0;
  std::thread thread_;
  std::string gateway_url_;
  std::unique_ptr<TestProcess> gateway_;
  std::unique_ptr<TestProcess> operator_;
};

/// Input of the activity "exec".
inline Json argv(std::vector<std::string> words) {
  return {{"argv", std::move(words)}};
}

}  // namespace berth::system_test
