#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/open_files.h"
#include "berth/http/server.h"
#include "temporal/engine.h"
#include "temporal/flags.h"
#include "temporal/pool/client_pool.h"
#include "temporal/rpc/grpc_service.h"
#include "temporal/secret_file.h"

using namespace berth;

namespace {

auto of_flag(const char* flag) {
  return [flag](Error e) {
    e.field = flag;
    return e;
  };
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

void add_probe_routes(http::Router& router, const temporal::Engine& engine,
                      const Metrics& metrics) {
  router.add("GET", "/healthz", [](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->reply(http::Response::text(200, "ok\n"));
  });
  router.add("GET", "/readyz", [&engine](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->reply(engine.ready() ? http::Response::text(200, "ok\n")
                                   : http::Response::text(503, engine.draining()
                                                                   ? "stopping\n"
                                                                   : "Temporal does not answer\n"));
  });
  router.add("GET", "/metrics", [&metrics](const std::shared_ptr<http::Exchange>& exchange) {
    http::Response response = http::Response::text(200, metrics.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    exchange->reply(std::move(response));
  });
}

/// Until SIGTERM has been worked off. A second signal ends open sessions, a third the process.
Status serve(const temporal::Flags& flags, const temporal::Settings& settings, AsioLoop& loop,
             temporal::Engine& engine, const Metrics& metrics, const Log& log) {
  http::Router routes;
  add_probe_routes(routes, engine, metrics);
  BERTH_ASSIGN(
      const auto probes,
      http::serve(loop, routes, {.address = flags.probe_listen, .limits = {}, .filter = {}})
          .map_error(of_flag("--probe-listen")));
  if (!flags.port_file.empty()) {
    BERTH_TRY(
        write_file_atomic(flags.port_file, dump_json(Json{{"probe", probes->address()}}) + "\n")
            .map_error(of_flag("--port-file")));
  }
  int signals_seen = 0;
  const Cancel signals = loop.on_signals({SIGTERM, SIGINT}, [&](int signal) {
    log.info("signal", {{"number", signal}});
    switch (++signals_seen) {
      case 1:
        engine.drain(settings.drain_timeout, [&loop] { loop.stop(); });
        break;
      case 2:
        engine.hurry();
        break;
      default:
        std::_Exit(128 + signal);
    }
  });
  engine.start();
  log.info("serving", {{"temporal", flags.address},
                       {"task_queue", flags.task_queue},
                       {"pool", flags.pool},
                       {"probe", probes->address()}});
  loop.run();
  log.info("stopped");
  return {};
}

client::ClientOptions client_options(const temporal::Flags& flags, temporal::SecretFile& token,
                                     const Log& log) {
  client::ClientOptions options;
  options.gateway = flags.gateway;
  options.ca_file = flags.ca_file;
  options.gateway_server_name = flags.server_name;
  options.token_source = [&token] { return token.get(); };
  options.ns = flags.ns;
  options.pool = flags.pool;
  options.log = log;
  return options;
}

temporal::Connection connection(const temporal::Flags& flags, temporal::SecretFile& api_key) {
  return {.address = flags.address,
          .ns = flags.temporal_namespace,
          .identity = "berth-temporal@" + host_name(),
          .tls = flags.tls,
          .ca_file = flags.tls_ca,
          .certificate_file = flags.tls_certificate,
          .key_file = flags.tls_key,
          .server_name = flags.tls_server_name,
          .api_key = [&api_key] { return api_key.get(); }};
}

Status run(const temporal::Flags& flags) {
  BERTH_ASSIGN(const auto level, parse_log_level(flags.log_level));
  BERTH_ASSIGN(const auto format, parse_log_format(flags.log_format));
  BERTH_ASSIGN(const auto settings, temporal::check(flags));
  const Log log = Log::to_stdout("temporal", level, format);

  temporal::SecretFile token(flags.token_file, log);
  BERTH_TRY(token.check().map_error(of_flag("--token-file")));
  temporal::SecretFile api_key(flags.api_key_file, log);
  BERTH_TRY(api_key.check().map_error(of_flag("--temporal-api-key-file")));
  BERTH_ASSIGN(auto store, temporal::Store::open(flags.state_dir, log));

  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  metrics.add_process_metrics("berth_temporal");
  temporal::EngineMetrics engine_metrics(metrics);
  client::Client client(client_options(flags, token, log));
  const auto pool = temporal::make_client_pool(loop, client,
                                               {.execution_timeout = settings.execution_timeout,
                                                .heartbeat_timeout = settings.heartbeat_timeout,
                                                .resources = settings.resources});
  const auto service = temporal::make_grpc_service(loop, connection(flags, api_key));
  temporal::Engine engine({.loop = loop,
                           .service = *service,
                           .pool = *pool,
                           .store = store,
                           .random = random,
                           .metrics = engine_metrics,
                           .log = log},
                          {.task_queue = flags.task_queue,
                           .interval = settings.backlog_interval,
                           .max_sessions = static_cast<std::size_t>(flags.max_sessions),
                           .keep_for = settings.keep_for});
  return serve(flags, settings, loop, engine, metrics, log);
}

/// A container's first process loses what comes before it listens: the loop finds it then.
void hold_stop_signals() {
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  hold_stop_signals();
  use_one_heap();
  raise_open_file_limit();
  temporal::Flags flags;
  if (const auto exit_code = temporal::read_flags(argc, argv, flags)) {
    return *exit_code;
  }
  if (const auto done = run(flags); !done) {
    std::cerr << "berth-temporal: " << done.error().text() << "\n";
    return 1;
  }
  return 0;
}
