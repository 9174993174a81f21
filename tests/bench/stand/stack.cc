#include "tests/bench/stand/stack.h"

#include <cstdlib>
#include <future>
#include <optional>
#include <sstream>
#include <thread>

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "berth/base/file.h"
#include "devcluster/cluster.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPool = "bench";
constexpr const char* kKeysConfigMap = "berth-keys";
constexpr std::uint16_t kWorkerPort = 7600;
constexpr auto kReady = std::chrono::seconds(90);

Json pool_object(const Stack::Options& options) {
  return {
      {"apiVersion", "berth.dev/v1alpha1"},
      {"kind", "SessionPool"},
      {"metadata", {{"name", kPool}, {"namespace", "default"}}},
      {"spec",
       {{"workers", options.workers},
        {"sessions", {{"maxPerWorker", options.slots}, {"defaults", {{"heartbeatTimeout", "2m"}}}}},
        {"scaling", {{"maxWorkers", options.workers}}}}}};
}

}  // namespace

// The dev cluster on its own thread, and the gateway's key, which also opens the workers' lists.
class Stack::Cluster {
 public:
  Status start(const Options& options) {
    dir_ = options.dir;
    BERTH_TRY(make_keys());
    std::promise<Status> started;
    thread_ = std::thread([this, &options, &started] { run(options, started); });
    return started.get_future().get();
  }

  ~Cluster() {
    if (thread_.joinable()) {
      loop_.post([this] { cluster_ ? cluster_->stop([this] { loop_.stop(); }) : loop_.stop(); });
      thread_.join();
    }
  }

  /// Runs `fn` on the cluster's thread and waits.
  template <class F>
  auto on_loop(F fn) {
    std::promise<decltype(fn())> result;
    loop_.post([&] { result.set_value(fn()); });
    return result.get_future().get();
  }

  Result<Json> add(const char* group, const char* version, const char* plural, Json object) {
    return on_loop([&]() -> Result<Json> {
      const auto* type = devcluster::find_type(group, version, plural);
      auto made = cluster_->store().create(*type, "default", std::move(object));
      if (!made) {
        return fail(Error::internal(made.error().message));
      }
      return **made;
    });
  }

  std::vector<Pod> pods() {
    return on_loop([this] {
      std::vector<Pod> out;
      const auto page = cluster_->store().list(*devcluster::find_type("", "v1", "pods"), {});
      if (page) {
        for (const auto& pod : page->items) {
          out.push_back({string_at(*pod, {"metadata", "name"}),
                         string_at(*pod, {"metadata", "uid"}),
                         string_at(*pod, {"status", "podIP"})});
        }
      }
      return out;
    });
  }

  Writes writes() {
    return on_loop([this] { return writes_; });
  }

  fs::path path(const char* name) const { return dir_ / name; }
  const std::string& caller_token() const { return caller_token_; }
  std::string control_token(const std::string& uid) {
    return on_loop([&] { return signer_->token(uid); });
  }

 private:
  Status make_keys() {
    caller_token_ = auth::make_session_token(random_);
    cluster_token_ = auth::make_session_token(random_);
    BERTH_ASSIGN(auth::SigningKey gateway,
                 auth::SigningKey::generate(auth::Scope::kCreate, random_));
    BERTH_ASSIGN(const auth::SigningKey op,
                 auth::SigningKey::generate(auth::Scope::kOperate, random_));
    jwks_ = auth::make_jwks({&gateway, &op});
    BERTH_TRY(write_file_atomic(path("token"), caller_token_ + "\n", 0600));
    BERTH_TRY(write_file_atomic(path("gateway.jwk"), gateway.private_jwk(), 0600));
    BERTH_TRY(write_file_atomic(path("operator.jwk"), op.private_jwk(), 0600));
    BERTH_TRY(write_file_atomic(path("jwks.json"), jwks_, 0600));
    signer_.emplace(std::move(gateway), "bench", loop_.clock());
    return {};
  }

  void run(const Options& options, std::promise<Status>& started) {
    pin_this_thread(load_core());  // Pods are started from this thread, and inherit it.
    devcluster::DevClusterOptions o;
    o.token = cluster_token_;
    o.data_dir = path("cluster");
    o.images = {{"berth.local/worker", options.bin / "berth-worker"}};
    o.extra_env = {{"BERTH_LISTEN_HOST", "{podIP}"}};
    o.shutdown_grace = std::chrono::seconds(3);
    cluster_.emplace(loop_, random_, Log(), std::move(o));
    Status status = cluster_->start();
    if (status) {
      status = write_file_atomic(path("kubeconfig"), cluster_->kubeconfig(), 0600);
    }
    const Cancel counting =
        cluster_->store().subscribe(nullptr, [this](const devcluster::WatchEvent& event) {
          ++(event.type->kind == "Lease" ? writes_.leases : writes_.others);
        });
    started.set_value(std::move(status));
    loop_.run();
    cluster_.reset();
  }

 public:
  const std::string& jwks() const { return jwks_; }

 private:
  fs::path dir_;
  std::string caller_token_;
  std::string cluster_token_;
  std::string jwks_;
  SystemRandom random_;
  AsioLoop loop_;
  std::optional<auth::TokenSigner> signer_;
  std::optional<devcluster::DevCluster> cluster_;
  Writes writes_;
  std::thread thread_;
};

Stack::Stack() : cluster_(std::make_unique<Cluster>()) {}

// The operator first, so that it makes no new pods; then the pods, while the gateway still serves.
Stack::~Stack() {
  operator_child_.reset();
  cluster_.reset();
  gateway_child_.reset();
}

Result<std::unique_ptr<Stack>> Stack::start(const Options& options) {
  std::error_code ignored;
  fs::remove_all(options.dir, ignored);
  fs::create_directories(options.dir, ignored);
  std::unique_ptr<Stack> stack(new Stack());
  BERTH_TRY(stack->start_cluster(options));
  BERTH_TRY(stack->start_programs(options));
  BERTH_TRY(stack->wait_for_slots(options));
  return stack;
}

Status Stack::start_cluster(const Options& options) {
  BERTH_TRY(cluster_->start(options));
  BERTH_TRY(cluster_->add("", "v1", "configmaps",
                          {{"apiVersion", "v1"},
                           {"kind", "ConfigMap"},
                           {"metadata", {{"name", kKeysConfigMap}, {"namespace", "default"}}},
                           {"data", {{"jwks.json", cluster_->jwks()}}}}));
  BERTH_TRY(cluster_->add("berth.dev", "v1alpha1", "sessionpools", pool_object(options)));
  return {};
}

Status Stack::start_programs(const Options& options) {
  const auto path = [this](const char* name) { return cluster_->path(name).string(); };
  const auto spec = [&](const char* name, int core, std::vector<std::string> args) {
    Child::Spec s{name, options.bin / ("berth-" + std::string(name)), std::move(args), options.dir,
                  core};
    s.args.insert(s.args.end(),
                  {"--kubeconfig", path("kubeconfig"), "--log-format", "json", "--probe-listen",
                   "127.0.0.1:0", "--port-file", Child::port_file(s).string()});
    return s;
  };
  BERTH_ASSIGN(
      gateway_child_,
      Child::start(spec("gateway", server_core(),
                        {"--dev", "--listen", "127.0.0.1:0", "--token-file", path("token"),
                         "--signing-key", path("gateway.jwk"), "--jwks", path("jwks.json")})));
  const std::string listen = string_at(gateway_child_->ports(), {"listen"});
  gateway_ = {"127.0.0.1", port_of(listen),
              "/v1/namespaces/default/pools/" + std::string(kPool) + "/sessions",
              cluster_->caller_token(), true};
  BERTH_ASSIGN(operator_child_,
               Child::start(spec("operator", load_core(),
                                 {"--gateway", "http://" + listen, "--signing-key",
                                  path("operator.jwk"), "--keys-config-map", kKeysConfigMap})));
  operator_probes_.host = "127.0.0.1";
  operator_probes_.port = port_of(string_at(operator_child_->ports(), {"probe"}));
  return {};
}

Status Stack::wait_for_slots(const Options& options) const {
  const auto until = std::chrono::steady_clock::now() + kReady;
  const std::int64_t wanted = static_cast<std::int64_t>(options.workers) * options.slots;
  std::string last;
  while (std::chrono::steady_clock::now() < until) {
    const auto text = ask(gateway_, get_request(gateway_, "/v1/pools"), 200);
    last = text ? *text : text.error().text();
    const auto json = text.and_then(parse_json);
    const Json* pools = json ? find(*json, "pools") : nullptr;
    if (pools != nullptr && !pools->empty()) {
      const Json* slots = find(pools->front(), "slots");
      if (slots != nullptr && get_int(*slots, "free") == wanted) {
        return {};
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                          "the workers were not ready within 90 s: " + last));
}

std::vector<Stack::Pod> Stack::pods() const {
  return cluster_->pods();
}

Result<std::vector<std::string>> Stack::sessions_of(const Pod& pod) const {
  Target target = worker(pod);
  target.token = cluster_->control_token(pod.uid);
  BERTH_ASSIGN(const std::string text, ask(target, get_request(target, "/v1/sessions"), 200));
  BERTH_ASSIGN(const Json json, parse_json(text));
  const Json* list = find(json, "sessions");
  if (list == nullptr || !list->is_array()) {
    return fail(Error::internal("the worker's list has no member \"sessions\""));
  }
  std::vector<std::string> ids;
  for (const Json& session : *list) {
    if (get_string(session, "state") != "Ended") {
      ids.push_back(get_string(session, "id").value_or(""));
    }
  }
  return ids;
}

Stack::Writes Stack::writes() const {
  return cluster_->writes();
}

Result<std::uint64_t> Stack::operator_write_requests() const {
  BERTH_ASSIGN(const std::string text,
               ask(operator_probes_, get_request(operator_probes_, "/metrics"), 200));
  if (text.find("rest_client_requests_total{") == std::string::npos) {
    return fail(Error::internal("the operator does not count its requests"));
  }
  double sum = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("rest_client_requests_total{") &&
        line.find("method=\"GET\"") == std::string::npos) {
      sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
    }
  }
  return static_cast<std::uint64_t>(sum);
}

Target Stack::worker(const Pod& pod) const {
  return {pod.ip, kWorkerPort, "/v1/sessions", "", false};
}

}  // namespace berth::bench
