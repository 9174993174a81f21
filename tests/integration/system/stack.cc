#include "tests/integration/system/stack.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <iostream>
#include <stdexcept>

#include "berth/api/session_pool.h"
#include "berth/base/file.h"

namespace berth::system_test {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr const char* kKeysConfigMap = "berth-keys";

template <class T>
T must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().text());
  }
  return std::move(*result);
}

fs::path temporary_directory() {
  std::string name = (fs::temp_directory_path() / "berth-system-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("no temporary directory");
  }
  return name;
}

}  // namespace

Stack::Stack() : dir_(temporary_directory()), keys_(must(cli::DevKeys::make(dir_, random_))) {
  token_ = must(read_file(keys_.token_file));
  token_.erase(token_.find_last_not_of('\n') + 1);
  kubeconfig_ = dir_ / "kubeconfig";
  // The loop's thread also forks the pods' reapers, which die with it.
  thread_ = std::thread([this] { loop_.run(); });
  on_loop([this] { run_cluster(); });
}

void Stack::run_cluster() {
  devcluster::DevClusterOptions options;
  options.token = keys_.cluster_token;
  options.data_dir = dir_ / "cluster";
  options.images = {{"berth.local/worker", BERTH_WORKER_BINARY}};
  options.extra_env = {{"BERTH_LISTEN_HOST", "{podIP}"}};
  options.backoff.initial = milliseconds(100);
  options.shutdown_grace = seconds(1);
  transport_ = http::make_beast_transport(loop_);
  cluster_ = std::make_unique<devcluster::DevCluster>(loop_, random_, Log(), std::move(options));
  gateway_key_ = keys_.gateway_key;
  gateway_jwks_ = keys_.jwks_file;
  changes_ = cluster_->store().subscribe(nullptr, [this](const devcluster::WatchEvent& event) {
    follow_keys(event);
    {
      const std::lock_guard lock(mutex_);
      ++change_;
    }
    changed_.notify_all();
  });
  if (const Status started = cluster_->start(); !started) {
    throw std::runtime_error(started.error().text());
  }
  if (const Status s = write_file_atomic(kubeconfig_, cluster_->kubeconfig(), 0600); !s) {
    throw std::runtime_error(s.error().text());
  }
  store("configmaps", "default",
        {{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata", {{"name", kKeysConfigMap}, {"namespace", "default"}}},
         {"data", {{"jwks.json", keys_.jwks}}}});
}

void Stack::store(const std::string& plural, const std::string& ns, const Json& object) {
  const auto made = cluster_->store().create(devcluster::type_of(plural), ns, object);
  if (!made) {
    throw std::runtime_error(made.error().message);
  }
}

void Stack::create(const std::string& plural, const std::string& ns, const Json& object) {
  on_loop([&] { store(plural, ns, object); });
}

void Stack::remove(const std::string& plural, const std::string& ns, const std::string& name) {
  on_loop([&] {
    if (const auto r = cluster_->store().remove(devcluster::type_of(plural), {ns, name}, {}); !r) {
      throw std::runtime_error(r.error().message);
    }
  });
}

Json Stack::object(const std::string& plural, const std::string& ns, const std::string& name) {
  Json out;
  on_loop([&] {
    const auto found = cluster_->store().get(devcluster::type_of(plural), {ns, name});
    out = found ? **found : Json();
  });
  return out;
}

void Stack::patch(const std::string& plural, const std::string& ns, const std::string& name,
                  const Json& patch) {
  on_loop([&] {
    const auto changed =
        cluster_->store().edit(devcluster::type_of(plural), {ns, name},
                               [&](const Json& current) -> devcluster::ApiResult<Json> {
                                 Json out = current;
                                 out.merge_patch(patch);
                                 return out;
                               },
                               {});
    if (!changed) {
      throw std::runtime_error(changed.error().message);
    }
  });
}

Stack::~Stack() {
  operator_.reset();
  on_loop([this] {
    changes_.cancel();
    cluster_->stop([this] {
      transport_.reset();
      loop_.stop();
    });
  });
  thread_.join();
  cluster_.reset();
  gateway_.reset();
  for (const std::string& left : processes_with(dir_.string())) {
    ADD_FAILURE() << "left running: " << left;
  }
  if (::testing::Test::HasFailure()) {
    std::cerr << "Logs are left in " << dir_.string() << '\n';
  } else {
    fs::remove_all(dir_);
  }
}

Json Stack::start(std::unique_ptr<TestProcess>& process, const std::string& name,
                  std::vector<std::string> argv) {
  const fs::path ports = dir_ / (name + ".ports");
  fs::remove(ports);
  argv.insert(argv.end(), {"--kubeconfig", kubeconfig_, "--port-file", ports, "--probe-listen",
                           "127.0.0.1:0", "--log-format", "json"});
  process = std::make_unique<TestProcess>(argv, std::vector<std::string>(), dir_ / (name + ".log"));
  if (!await([&] { return fs::exists(ports) || !process->running(); }) || !fs::exists(ports)) {
    throw std::runtime_error(name + " did not start:\n" + process->output());
  }
  return must(parse_json(must(read_file(ports))));
}

void Stack::start_gateway() {
  const std::string listen =
      gateway_url_.empty() ? "127.0.0.1:0" : gateway_url_.substr(gateway_url_.find("://") + 3);
  // Mounts of what does not exist yet keep a container from starting.
  if (!await([&] { return fs::exists(gateway_key_) && fs::exists(gateway_jwks_); })) {
    throw std::runtime_error("nobody made the gateway's keys");
  }
  const bool first = gateway_url_.empty();
  std::vector<std::string> command = {BERTH_GATEWAY_BINARY, "--listen",       listen,
                                      "--token-file",       keys_.token_file, "--signing-key",
                                      gateway_key_,         "--jwks",         gateway_jwks_};
  if (authority_) {
    command.insert(command.end(), {"--tls-certificate", dir_ / "tls.crt", "--tls-key",
                                   dir_ / "tls.key", "--worker-ca", ca_file()});
  } else {
    command.push_back("--dev");
  }
  const Json ports = start(gateway_, "gateway", with_namespaces(std::move(command)));
  gateway_url_ = (authority_ ? "https://" : "http://") + string_at(ports, {"listen"});
  if (keys_in_cluster_ && first) {
    publish_gateway();
  }
}

std::vector<std::string> Stack::operator_command() const {
  if (keys_in_cluster_) {
    return with_namespaces({BERTH_OPERATOR_BINARY, "--lease-namespace", kOperatorNamespace,
                            "--gateway-service", "berth-gateway"});
  }
  std::vector<std::string> command = {
      BERTH_OPERATOR_BINARY, "--gateway",         gateway_url_,  "--signing-key",
      keys_.operator_key,    "--keys-config-map", kKeysConfigMap};
  if (authority_) {
    command.insert(command.end(), {"--worker-ca", ca_file(), "--gateway-ca", ca_file()});
  }
  return with_namespaces(std::move(command));
}

std::vector<std::string> Stack::with_namespaces(std::vector<std::string> argv) const {
  for (const std::string& ns : namespaces_) {
    argv.insert(argv.end(), {"--namespace", ns});
  }
  return argv;
}

void Stack::start_operator() {
  start(operator_, "operator", operator_command());
}

std::unique_ptr<TestProcess> Stack::start_replica(const std::string& name) {
  std::unique_ptr<TestProcess> replica;
  start(replica, name, operator_command());
  return replica;
}

void Stack::add_pool(const std::string& name, const Json& spec) {
  on_loop([&] {
    const auto made = cluster_->store().create(
        devcluster::type_of(api::kPoolPlural), "default",
        {{"apiVersion", std::string(api::kGroup) + "/" + std::string(api::kVersion)},
         {"kind", "SessionPool"},
         {"metadata", {{"name", name}, {"namespace", "default"}}},
         {"spec", spec}});
    if (!made) {
      throw std::runtime_error(made.error().message);
    }
  });
  if (gateway_ && !await([&] { return pool(name).is_object(); })) {
    throw std::runtime_error("the gateway does not see pool " + name);
  }
}

Json Stack::quick_pool(int max_workers, int slots) {
  return {{"worker", {{"image", "berth.local/worker"}, {"exec", true}}},
          {"sessions", {{"maxPerWorker", slots}}},
          {"scaling",
           {{"minWorkers", 0},
            {"maxWorkers", max_workers},
            {"freeSlots", 1},
            {"scaleToZeroAfter", "1s"},
            {"scaleDown", {{"stabilizationWindow", "1s"}}}}},
          {"drain", {{"timeout", "30s"}}}};
}

client::ClientOptions Stack::client_options(const std::string& pool) const {
  client::ClientOptions options;
  options.gateway = gateway_url_;
  options.token = token_;
  options.pool = pool;
  options.ca_file = authority_ ? ca_file().string() : "";
  return options;
}

bool Stack::await(const std::function<bool()>& condition, Duration limit) {
  const auto end = steady_clock::now() + limit;
  for (;;) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = change_;
    }
    if (condition()) {
      return true;
    }
    if (steady_clock::now() > end) {
      return false;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, milliseconds(50), [&] { return change_ != seen; });
  }
}

Json Stack::pool(const std::string& name) {
  const Answer answer = http("GET", "/v1/pools?members=true");
  const Json* pools = find(answer.body, "pools");
  for (const Json& p : pools == nullptr ? Json::array() : *pools) {
    if (get_string(p, "name") == name) {
      return p;
    }
  }
  return {};
}

std::int64_t Stack::used_slots(const std::string& name) {
  const Json p = pool(name);
  const Json* slots = find(p, "slots");
  return slots == nullptr ? -1 : get_int(*slots, "used").value_or(-1);
}

std::int64_t Stack::waiting(const std::string& name) {
  return get_int(pool(name), "waiting").value_or(-1);
}

std::vector<Json> Stack::pods() {
  std::vector<Json> out;
  on_loop([&] {
    const auto page = cluster_->store().list(devcluster::type_of("pods"), {});
    for (const auto& pod : page->items) {
      out.push_back(*pod);
    }
  });
  return out;
}

pid_t Stack::worker_pid(const std::string& pod) const {
  return find_process("berth-worker", {"BERTH_POD_NAME=" + pod, dir_.string()});
}

Stack::Answer Stack::http(const std::string& method, const std::string& target,
                          const std::string& token, const std::string& body) {
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  if (!token.empty()) {
    request.headers.add("Authorization", "Bearer " + token);
  }
  return call(gateway_url_, request, http::CallOptions());
}

std::string Stack::metrics_at(const std::string& origin) {
  http::Request request;
  request.method = "GET";
  request.target = "/metrics";
  return call(origin, request, http::CallOptions()).text;
}

std::string Stack::metrics(const std::string& program) {
  const Json ports = must(parse_json(must(read_file(dir_ / (program + ".ports")))));
  return metrics_at("http://" + string_at(ports, {"probe"}));
}

std::string Stack::worker_metrics(const std::string& ip) {
  return metrics_at("http://" + ip + ":" + std::to_string(api::kWorkerProbePort));
}

int Stack::probe(const std::string& program, const std::string& path) {
  const Json ports = must(parse_json(must(read_file(dir_ / (program + ".ports")))));
  http::Request request;
  request.method = "GET";
  request.target = path;
  http::CallOptions options;
  options.deadline = seconds(2);
  return call("http://" + string_at(ports, {"probe"}), request, options).status;
}

Stack::Answer Stack::call(const std::string& origin, const http::Request& request,
                          const http::CallOptions& options) {
  Answer out;
  std::promise<void> done;
  Cancel sent;
  on_loop([&] {
    sent = transport_->send(origin, request, options, [&](Result<http::Response> response) {
      if (response) {
        out.status = response->status;
        out.text = response->body;
        out.body = parse_json(out.text).value_or(Json());
      } else {
        out.text = response.error().text();
      }
      done.set_value();
    });
  });
  done.get_future().wait();
  // The call has ended: its handle means nothing any more.
  sent.release();
  return out;
}

void Stack::on_loop(const std::function<void()>& fn) {
  std::promise<void> done;
  loop_.post([&] {
    try {
      fn();
      done.set_value();
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
}

}  // namespace berth::system_test
