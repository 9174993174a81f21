#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/http/cpprest_transport.h"
#include "berth/http/server.h"
#include "berth/kube/client.h"
#include "berth/kube/config.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "operator/controller/operator.h"

namespace {

using namespace berth;

struct Flags {
  std::string kubeconfig;
  std::string ns;
  std::string lease_namespace;
  std::string signing_key;
  std::string probe_listen = "*:8081";
  std::string port_file;
  std::string log_level = "info";
  std::string log_format = "auto";
  std::vector<std::string> gateways;
  op::RenderSettings render;
};

int fail_start(const Error& error) {
  std::cerr << "berth-operator: " << error.text() << "\n";
  return 1;
}

std::string identity(Random& random) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + "_" + random.name(10);
}

void add_probes(http::Router& router, const op::Operator& op, const Metrics& metrics) {
  const auto answer = [](const std::shared_ptr<http::Exchange>& x, bool ok, const char* why) {
    x->reply(http::Response::text(ok ? 200 : 503, ok ? "ok\n" : why));
  };
  router.add("GET", "/healthz",
             [&op, answer](const auto& x) { answer(x, op.healthy(), "a reconcile is stuck\n"); });
  router.add("GET", "/readyz", [&op, answer](const auto& x) {
    answer(x, op.ready(), "caches are not synced yet\n");
  });
  router.add("GET", "/metrics", [&metrics](const auto& x) {
    http::Response r = http::Response::text(200, metrics.text());
    r.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    x->reply(std::move(r));
  });
}

int run(const Flags& flags) {
  const auto level = parse_log_level(flags.log_level);
  const auto format = parse_log_format(flags.log_format);
  if (!level || !format) {
    return fail_start(!level ? level.error() : format.error());
  }
  const Log log = Log::to_stdout("operator", *level, *format);
  auto config = kube::load_config(flags.kubeconfig);
  if (!config) {
    return fail_start(config.error());
  }
  auto key = auth::SigningKey::load(flags.signing_key);
  if (!key) {
    return fail_start(std::move(key).error().wrap("--signing-key"));
  }
  http::init_cpprest_threads(2);
  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  metrics.add_process_metrics("berth_operator");
  const auto tls = [c = *config] { return kube::tls_settings(c); };
  const auto api_transport = http::make_cpprest_transport(loop, tls);
  const auto lease_transport = http::make_cpprest_transport(loop, tls);
  const auto worker_transport = http::make_beast_transport(loop, {.user_agent = "berth-operator"});
  kube::Client client(loop, *api_transport, *config, log, metrics);
  kube::Client lease_client(loop, *lease_transport, *config, log, metrics);

  op::OperatorSettings settings;
  settings.ns = flags.ns;
  settings.lease_namespace =
      flags.lease_namespace.empty() ? config->default_namespace : flags.lease_namespace;
  settings.identity = identity(random);
  settings.gateways = flags.gateways;
  settings.render = flags.render;
  op::Operator op(loop, client, lease_client, *worker_transport, std::move(*key), random, settings,
                  log, metrics, [&log] {
                    log.error("leadership lost, exiting");
                    std::_Exit(1);  // Nothing of an ex-leader may run on.
                  });
  http::Router router;
  add_probes(router, op, metrics);
  auto server =
      http::serve(loop, router, {.address = flags.probe_listen, .limits = {}, .filter = {}});
  if (!server) {
    return fail_start(std::move(server).error().wrap("--probe-listen"));
  }
  if (!flags.port_file.empty()) {
    if (auto s =
            write_file_atomic(flags.port_file, "{\"probe\":\"" + (*server)->address() + "\"}\n");
        !s) {
      return fail_start(std::move(s).error().wrap("--port-file"));
    }
  }
  bool stopping = false;
  const Cancel signals = loop.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    if (stopping) {
      std::_Exit(130);
    }
    stopping = true;
    log.info("stopping", {{"signal", signal}});
    op.stop([&loop] { loop.stop(); });
  });
  log.info("berth-operator started",
           {{"identity", settings.identity}, {"probes", (*server)->address()}});
  op.start();
  loop.run();
  log.info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Watches SessionPools and keeps worker pods with enough free session slots."};
  app.set_version_flag("--version", BERTH_VERSION);
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Kubeconfig file (default: $KUBECONFIG, service account, ~/.kube/config)");
  app.add_option("--namespace", flags.ns, "Namespace to watch (default: all)");
  app.add_option("--lease-namespace", flags.lease_namespace,
                 "Namespace of the leader Lease (default: the kubeconfig's)");
  app.add_option("--gateway", flags.gateways,
                 "Origin of a gateway, http://host:port; repeat for each replica");
  app.add_option("--signing-key", flags.signing_key,
                 "Private JWK with which calls to workers and gateways are signed")
      ->required();
  app.add_option("--worker-image", flags.render.default_worker_image,
                 "Image of workers whose pool names none")
      ->capture_default_str();
  app.add_option("--keys-config-map", flags.render.keys_config_map,
                 "ConfigMap with jwks.json that worker pods mount")
      ->capture_default_str();
  app.add_option("--probe-listen", flags.probe_listen, "Address of /healthz, /readyz and /metrics")
      ->capture_default_str();
  app.add_option("--port-file", flags.port_file,
                 "Write the real addresses here as JSON once listening");
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "auto, json or text")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(flags);
}
