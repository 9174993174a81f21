// bench-workers --kubeconfig FILE --jwks FILE
//
// Answers for every worker pod of a cluster whose pods nobody runs (kwok): each address that a pod
// gets must be local here. See tests/bench/README.md.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "berth/base/file.h"
#include "berth/http/cpprest_transport.h"
#include "berth/kube/client.h"
#include "berth/kube/config.h"
#include "berth/kube/reflector.h"
#include "tests/bench/kubernetes/workers/worker.h"

namespace {

using namespace berth;
using bench::PodStart;

constexpr std::size_t kLargestKeySet = 1u << 20;

/// Starts a worker for each pod that has an address, and ends it when the pod has gone.
class Workers {
 public:
  explicit Workers(bench::WorkerCommons& commons) : commons_(commons) {}

  void pod_changed(const std::shared_ptr<const PodStart>& before,
                   const std::shared_ptr<const PodStart>& now) {
    if (before && (!now || *now != *before)) {
      workers_.erase(before->uid);
    }
    if (!now || workers_.contains(now->uid)) {
      return;
    }
    if (auto started = bench::Worker::start(commons_, *now)) {
      workers_[now->uid] = *std::move(started);
    } else {
      commons_.log.error("a worker cannot be started",
                         {{"address", now->address}, {"error", started.error()}});
    }
  }

 private:
  bench::WorkerCommons& commons_;
  std::map<std::string, std::unique_ptr<bench::Worker>> workers_;
};

Status run(const std::string& kubeconfig, const std::string& jwks) {
  bench::WorkerCommons commons(Log::to_stdout("workers", Log::Level::kWarn, Log::Format::kJson));
  BERTH_ASSIGN(commons.jwks, read_file(jwks, kLargestKeySet));
  BERTH_ASSIGN(const auto config, kube::load_config(kubeconfig));
  http::init_cpprest_threads(2);
  const auto transport =
      http::make_cpprest_transport(commons.loop, [config] { return kube::tls_settings(config); });
  kube::Client client(commons.loop, *transport, config, commons.log, commons.metrics);
  Workers workers(commons);
  kube::Reflector<PodStart> pods(commons.loop, client, commons.random, kube::kPods,
                                 {.label_selector = api::kPoolLabel}, commons.log, commons.metrics,
                                 PodStart::from,
                                 [&](const std::string&, const auto& before, const auto& now) {
                                   workers.pod_changed(before, now);
                                 });
  const Cancel signals =
      commons.loop.on_signals({SIGTERM, SIGINT}, [&](int) { commons.loop.stop(); });
  pods.start();
  commons.loop.run();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::string kubeconfig;
  std::string jwks;
  CLI::App app{"Answers for every worker pod of a cluster whose pods nobody runs."};
  app.add_option("--kubeconfig", kubeconfig, "Where pods are watched")->required();
  app.add_option("--jwks", jwks, "Public keys of gateways and operators")->required();
  CLI11_PARSE(app, argc, argv);
  if (const auto done = run(kubeconfig, jwks); !done) {
    std::cerr << "bench-workers: " << done.error().text() << "\n";
    return 1;
  }
  return 0;
}
