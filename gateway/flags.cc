#include "gateway/flags.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "gateway/api/loopback_guard.h"

namespace berth::gateway {

std::optional<int> read_flags(int argc, char** argv, Flags& flags) {
  CLI::App app{"The front door of Berth: finds a worker with a free slot for each session."};
  app.set_version_flag("--version", BERTH_VERSION);
  app.add_option("--listen", flags.listen, "Address of the API")->capture_default_str();
  app.add_option("--probe-listen", flags.probe_listen, "Address of /healthz, /readyz, /metrics")
      ->capture_default_str();
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Kubeconfig file (default: as kubectl finds it)");
  app.add_option("--namespace", flags.namespaces,
                 "Namespace to serve; repeat for each. One that may not be read holds up no other "
                 "one (default: all)");
  auto* token_file = app.add_option(
      "--token-file", flags.token_file,
      "File with the one token of all callers (default: Kubernetes checks each caller's token)");
  app.add_option("--audience", flags.audience,
                 "Audience that callers' Kubernetes tokens must be made out to (default: berth)")
      ->excludes(token_file);
  app.add_option("--signing-key", flags.signing_key, "Private JWK for calls to workers")
      ->required();
  app.add_option("--jwks", flags.jwks, "Public keys of operators who may read demand")->required();
  app.add_option("--tls-certificate", flags.tls.certificate,
                 "Serve https on --listen with this certificate (PEM, with its chain; followed as "
                 "it changes)");
  app.add_option("--tls-key", flags.tls.key, "Its private key (PEM)");
  app.add_option("--worker-ca", flags.worker_ca,
                 "CA bundle (PEM) for workers that serve https (default: the system's; followed as "
                 "it changes)");
  app.add_option("--port-file", flags.port_file, "Write the real addresses here once listening");
  app.add_option("--replica", flags.replica, "Name of this replica")->capture_default_str();
  app.add_option(
         "--drain-seconds", flags.drain_seconds,
         "After SIGTERM, serve on for this long with /readyz at 503 (default: 5; with --dev 0)")
      ->check(CLI::Range(0, 300));
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "auto, json or text")->capture_default_str();
  app.add_flag("--dev", flags.dev, "Loopback only; refuses what web pages send");
  app.add_flag(
      "--ui", flags.ui,
      "Serve the live page at /ui/; its data goes to callers who may list all sessions, or "
      "those of a namespace");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  }
  return std::nullopt;
}

std::chrono::seconds Flags::drain() const {
  constexpr std::int64_t kUsual = 5;
  return std::chrono::seconds(drain_seconds.value_or(dev ? 0 : kUsual));
}

Status check(const Flags& flags) {
  BERTH_TRY(auth::check(flags.tls, "--tls-certificate", "--tls-key"));
  if (flags.dev && flags.tls) {
    return fail(Error::invalid("--tls-certificate", "cannot be used with --dev"));
  }
  for (const auto& [flag, address] :
       {std::pair("--listen", flags.listen), std::pair("--probe-listen", flags.probe_listen)}) {
    if (flags.dev && !is_loopback_host(host_of(address))) {
      return fail(Error::invalid(flag, "must be a loopback address with --dev, is " + address));
    }
  }
  return {};
}

}  // namespace berth::gateway
