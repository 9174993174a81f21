#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "berth/auth/control_token.h"
#include "berth/auth/tls_files.h"
#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/open_files.h"
#include "berth/http/cpprest_transport.h"
#include "berth/http/server.h"
#include "berth/kube/client.h"
#include "berth/kube/config.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "operator/controller/operator.h"
#include "operator/flags.h"

namespace {

using namespace berth;

constexpr auto kServerGrace = std::chrono::seconds(1);

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

int run(const op::Flags& flags) {
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
  std::optional<auth::SigningKey> key;
  if (!flags.signing_key.empty()) {
    auto loaded = auth::SigningKey::load(flags.signing_key);
    if (!loaded) {
      return fail_start(std::move(loaded).error().wrap("--signing-key"));
    }
    key = std::move(*loaded);
  }
  http::init_cpprest_threads(2);
  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  metrics.add_process_metrics("berth_operator");
  const auto tls = [c = *config] { return kube::tls_settings(c); };
  const auto api_transport = http::make_cpprest_transport(loop, tls);
  const auto lease_transport = http::make_cpprest_transport(loop, tls);
  kube::Client client(loop, *api_transport, *config, log, metrics);
  kube::Client lease_client(loop, *lease_transport, *config, log, metrics);

  op::OperatorSettings settings;
  settings.namespaces = {flags.namespaces.begin(), flags.namespaces.end()};
  settings.lease_namespace =
      flags.lease_namespace.empty() ? config->default_namespace : flags.lease_namespace;
  settings.identity = identity(random);
  settings.gateways = flags.gateways;
  settings.gateway_service = flags.gateway_service;
  settings.gateway_port = flags.gateway_port;
  settings.gateway_tls = !flags.gateway_ca.empty();
  settings.render = flags.render;
  http::BeastTransportSettings calls{.user_agent = "berth-operator"};
  auto workers = auth::VerifiedTransport::make(loop, flags.worker_ca, calls, log);
  if (!workers) {
    return fail_start(std::move(workers).error().wrap("--worker-ca"));
  }
  if (!flags.gateway_service.empty()) {
    calls.server_name = flags.gateway_service + "." + settings.lease_namespace + ".svc";
  }
  auto gateways = auth::VerifiedTransport::make(loop, flags.gateway_ca, calls, log);
  if (!gateways) {
    return fail_start(std::move(gateways).error().wrap("--gateway-ca"));
  }
  op::Operator op(loop, client, lease_client, (*workers)->transport(), (*gateways)->transport(),
                  std::move(key), random, settings, log, metrics, [&log] {
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
    // Work ends first, then the servers, and only then may a standby begin.
    op.stop([&] { (*server)->drain(kServerGrace, [&] { op.release([&loop] { loop.stop(); }); }); });
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
  berth::use_one_heap();
  berth::raise_open_file_limit();
  op::Flags flags;
  if (const auto exit_code = op::read_flags(argc, argv, flags)) {
    return *exit_code;
  }
  return run(flags);
}
