#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "berth/base/file.h"
#include "berth/http/cpprest_transport.h"
#include "berth/kube/config.h"
#include "gateway/api/loopback_guard.h"
#include "gateway/gateway.h"
#include "gateway/workers/kube_watch.h"

namespace {

using namespace berth;

constexpr std::chrono::seconds kStopGrace{10};

struct Flags {
  std::string listen = "127.0.0.1:7070";
  std::string probe_listen = "127.0.0.1:7071";
  std::string kubeconfig;
  std::string ns;
  std::string token_file;
  std::string signing_key;
  std::string jwks;
  std::string port_file;
  std::string replica = "gateway";
  std::string log_level = "info";
  std::string log_format = "auto";
  bool dev = false;
};

Status write_port_file(const Flags& flags, const http::Server& api, const http::Server& probes) {
  if (flags.port_file.empty()) {
    return {};
  }
  const Json addresses = {{"listen", api.address()}, {"probe", probes.address()}};
  return write_file_atomic(flags.port_file, dump_json(addresses) + "\n").map_error([](Error e) {
    return std::move(e).wrap("--port-file");
  });
}

Status run(const Flags& flags) {
  BERTH_ASSIGN(const auto level, parse_log_level(flags.log_level));
  BERTH_ASSIGN(const auto format, parse_log_format(flags.log_format));
  const Log log = Log::to_stdout("gateway", level, format);
  if (flags.dev && !gateway::is_loopback_host(gateway::host_of(flags.listen))) {
    return fail(
        Error::invalid("--listen", "must be a loopback address with --dev, is " + flags.listen));
  }
  BERTH_ASSIGN(const auto config, kube::load_config(flags.kubeconfig));
  BERTH_ASSIGN(const auto authenticator,
               gateway::TokenFileAuthenticator::load(flags.token_file, "dev"));
  BERTH_ASSIGN(auto key, auth::SigningKey::load(flags.signing_key));

  http::init_cpprest_threads(2);
  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  metrics.add_process_metrics("berth_gateway");
  auth::TokenSigner signer(std::move(key), "gateway/" + flags.replica, loop.clock());
  auth::KeySet operators("berth-gateway", loop.clock());
  auth::KeySetFile operators_file(loop, operators, flags.jwks, log);
  BERTH_TRY(operators_file.start());

  const auto api_transport = http::make_cpprest_transport(loop, [config] {
    return http::TlsSettings{config.ca_pem, config.client_cert_pem, config.client_key_pem,
                             config.tls_server_name, config.insecure_skip_tls_verify};
  });
  const auto workers =
      http::make_beast_transport(loop, {.max_idle_per_origin = 64, .user_agent = "berth-gateway"});
  kube::Client client(loop, *api_transport, config, log, metrics);
  gateway::Gateway::Settings settings;
  settings.replica = flags.replica;
  gateway::Gateway gateway({.loop = loop,
                            .transport = *workers,
                            .random = random,
                            .metrics = metrics,
                            .authenticator = *authenticator,
                            .signer = signer,
                            .verify_operator = [&operators](std::string_view token) -> Status {
                              BERTH_TRY(operators.verify(token, {auth::Scope::kOperate}));
                              return {};
                            },
                            .log = log},
                           settings);
  gateway::KubeWatch watch(loop, client, random, metrics, log, flags.ns, gateway);
  gateway.set_synced([&watch] { return watch.synced(); });

  http::Router routes;
  http::Router probe_routes;
  gateway.add_routes(routes);
  gateway.add_probe_routes(probe_routes);
  gateway::LoopbackGuard guard;
  http::ServerOptions options{.address = flags.listen, .limits = {}, .filter = {}};
  if (flags.dev) {
    options.filter = [&guard](const http::Request& request, const std::string&) {
      return guard.check(request);
    };
  }
  BERTH_ASSIGN(const auto server, http::serve(loop, routes, std::move(options)));
  BERTH_ASSIGN(const auto probes, http::serve(loop, probe_routes, {flags.probe_listen, {}, {}}));
  guard.set_port(server->port());
  BERTH_TRY(write_port_file(flags, *server, *probes));

  bool stopping = false;
  const Cancel signals = loop.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    log.info("signal", {{"number", signal}});
    if (std::exchange(stopping, true)) {
      std::_Exit(128 + signal);  // asked twice: at once
    }
    gateway.shut_down(kStopGrace, [&] { server->drain(kStopGrace, [&loop] { loop.stop(); }); });
  });
  watch.start();
  log.info("listening", {{"listen", server->address()}, {"probe", probes->address()}});
  loop.run();
  log.info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"The front door of Berth: finds a worker with a free slot for each session."};
  app.set_version_flag("--version", BERTH_VERSION);
  app.add_option("--listen", flags.listen, "Address of the API")->capture_default_str();
  app.add_option("--probe-listen", flags.probe_listen, "Address of /healthz, /readyz, /metrics")
      ->capture_default_str();
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Kubeconfig file (default: as kubectl finds it)");
  app.add_option("--namespace", flags.ns, "Namespace to serve (default: all)");
  app.add_option("--token-file", flags.token_file, "File with the callers' token")->required();
  app.add_option("--signing-key", flags.signing_key, "Private JWK for calls to workers")
      ->required();
  app.add_option("--jwks", flags.jwks, "Public keys of operators who may read demand")->required();
  app.add_option("--port-file", flags.port_file, "Write the real addresses here once listening");
  app.add_option("--replica", flags.replica, "Name of this replica")->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "auto, json or text")->capture_default_str();
  app.add_flag("--dev", flags.dev, "Loopback only; refuses what web pages send");
  CLI11_PARSE(app, argc, argv);
  if (const auto done = run(flags); !done) {
    std::cerr << "berth-gateway: " << done.error().text() << "\n";
    return 1;
  }
  return 0;
}
