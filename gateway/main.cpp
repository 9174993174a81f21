#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "berth/auth/tls_files.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/open_files.h"
#include "berth/http/cpprest_transport.h"
#include "berth/kube/config.h"
#include "gateway/access/kubernetes_authenticator.h"
#include "gateway/api/loopback_guard.h"
#include "gateway/flags.h"
#include "gateway/gateway.h"
#include "gateway/stop_sequence.h"
#include "gateway/workers/kube_watch.h"

using namespace berth;

namespace {

constexpr std::size_t kMostProbes = 200;

/// Says which flag brought the error; a server's "address" is the flag itself.
auto of_flag(const char* flag) {
  return [flag](Error e) {
    e.field = flag + (e.field.empty() || e.field == "address" ? "" : ": " + e.field);
    return e;
  };
}

Status write_port_file(const gateway::Flags& flags, const http::Server& api,
                       const http::Server& probes) {
  if (flags.port_file.empty()) {
    return {};
  }
  const Json addresses = {{"listen", api.address()}, {"probe", probes.address()}};
  return write_file_atomic(flags.port_file, dump_json(addresses) + "\n").map_error([](Error e) {
    return std::move(e).wrap("--port-file");
  });
}

/// Opens the ports and runs until SIGTERM has been worked off.
Status serve(const gateway::Flags& flags, AsioLoop& loop, const Log& log, gateway::Gateway& gateway,
             gateway::KubeWatch& watch, auth::ServedCertificate* certificate) {
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
  if (certificate) {
    certificate->apply(options);
  }
  BERTH_ASSIGN(const auto server,
               http::serve(loop, routes, std::move(options)).map_error(of_flag("--listen")));
  http::ServerOptions probe_options{.address = flags.probe_listen, .limits = {}, .filter = {}};
  probe_options.limits.max_connections = kMostProbes;
  BERTH_ASSIGN(const auto probes, http::serve(loop, probe_routes, std::move(probe_options))
                                      .map_error(of_flag("--probe-listen")));
  guard.set_port(server->port());
  BERTH_TRY(write_port_file(flags, *server, *probes));

  gateway::StopSequence stop(loop, gateway, *server, {.drain = flags.drain()}, log);
  bool stopping = false;
  const Cancel signals = loop.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    log.info("signal", {{"number", signal}});
    if (std::exchange(stopping, true)) {
      std::_Exit(128 + signal);  // asked twice: at once
    }
    stop.start([&loop] { loop.stop(); });
  });
  watch.start();
  log.info("listening", {{"listen", server->address()}, {"probe", probes->address()}});
  loop.run();
  log.info("stopped");
  return {};
}

/// Who decides about callers: the API server, or one token in a file.
Result<std::unique_ptr<gateway::Authenticator>> make_authenticator(const gateway::Flags& flags,
                                                                   EventLoop& loop,
                                                                   kube::Client& client,
                                                                   Metrics& metrics,
                                                                   const Log& log) {
  if (!flags.token_file.empty()) {
    return gateway::TokenFileAuthenticator::load(flags.token_file, "dev")
        .map_error(of_flag("--token-file"));
  }
  gateway::KubernetesAuthenticator::Settings settings;
  if (!flags.audience.empty()) {
    settings.audience = flags.audience;
  }
  return std::make_unique<gateway::KubernetesAuthenticator>(loop, client, metrics, log, settings);
}

Status run(const gateway::Flags& flags) {
  BERTH_ASSIGN(const auto level, parse_log_level(flags.log_level));
  BERTH_ASSIGN(const auto format, parse_log_format(flags.log_format));
  BERTH_TRY(gateway::check(flags));
  const Log log = Log::to_stdout("gateway", level, format);
  BERTH_ASSIGN(const auto config, kube::load_config(flags.kubeconfig));

  http::init_cpprest_threads(2);
  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  metrics.add_process_metrics("berth_gateway");
  auth::TokenSigner signer("gateway/" + flags.replica, loop.clock());
  auth::SigningKeyFile signing_key(loop, signer, flags.signing_key, log);
  BERTH_TRY(signing_key.start().map_error(of_flag("--signing-key")));
  auth::KeySet operators(auth::kGatewayAudience, loop.clock());
  auth::KeySetFile operators_file(loop, operators, flags.jwks, log);
  BERTH_TRY(operators_file.start().map_error(of_flag("--jwks")));

  const auto api_transport =
      http::make_cpprest_transport(loop, [config] { return kube::tls_settings(config); });
  BERTH_ASSIGN(
      const auto workers,
      auth::VerifiedTransport::make(loop, flags.worker_ca,
                                    {.max_idle_per_origin = 64, .user_agent = "berth-gateway"}, log)
          .map_error(of_flag("--worker-ca")));
  std::optional<auth::ServedCertificate> certificate;
  if (flags.tls) {
    certificate.emplace(loop, flags.tls, "", metrics, log);
    BERTH_TRY(certificate->start().map_error(of_flag("--tls-certificate")));
  }
  kube::Client client(loop, *api_transport, config, log, metrics);
  BERTH_ASSIGN(const auto authenticator, make_authenticator(flags, loop, client, metrics, log));
  gateway::Gateway::Settings settings;
  settings.replica = flags.replica;
  if (flags.ui) {
    settings.ui.emplace();
  }
  gateway::Gateway gateway({.loop = loop,
                            .transport = workers->transport(),
                            .random = random,
                            .metrics = metrics,
                            .audit = Log::to_stdout("audit", Log::Level::kInfo, Log::Format::kJson),
                            .authenticator = *authenticator,
                            .signer = signer,
                            .verify_operator = [&operators](std::string_view token) -> Status {
                              BERTH_TRY(operators.verify(token, {auth::Scope::kOperate}));
                              return {};
                            },
                            .keys =
                                [&] {
                                  return gateway::OwnKeys{operators.key_ids(), signer.key_id()};
                                },
                            .log = log},
                           settings);
  signing_key.on_change([&gateway] { gateway.keys_changed(); });
  operators_file.on_change([&gateway] { gateway.keys_changed(); });
  gateway::KubeWatch watch(loop, client, random, metrics, log,
                           {flags.namespaces.begin(), flags.namespaces.end()}, gateway);
  gateway.set_caches({[&watch] { return watch.settled(); },
                      [&watch](const std::string& ns) { return watch.synced(ns); }});
  return serve(flags, loop, log, gateway, watch, certificate ? &*certificate : nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  use_one_heap();
  raise_open_file_limit();
  gateway::Flags flags;
  if (const auto exit_code = gateway::read_flags(argc, argv, flags)) {
    return *exit_code;
  }
  if (const auto done = run(flags); !done) {
    std::cerr << "berth-gateway: " << done.error().text() << "\n";
    return 1;
  }
  return 0;
}
