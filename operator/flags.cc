#include "operator/flags.h"

#include <CLI/CLI.hpp>

namespace berth::op {

std::optional<int> read_flags(int argc, char** argv, Flags& flags) {
  CLI::App app{"Watches SessionPools and keeps worker pods with enough free session slots."};
  app.set_version_flag("--version", BERTH_VERSION);
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Kubeconfig file (default: $KUBECONFIG, service account, ~/.kube/config)");
  app.add_option("--namespace", flags.namespaces,
                 "Namespace to watch; repeat for each. One that may not be read holds up no other "
                 "one (default: all)");
  app.add_option("--lease-namespace", flags.lease_namespace,
                 "The operator's own namespace, of the leader Lease, the key Secrets and the "
                 "gateways' Service (default: the service account's or kubeconfig's)");
  CLI::Option* gateway =
      app.add_option("--gateway", flags.gateways,
                     "Origin of a gateway, http://host:port; repeat for each replica");
  app.add_option("--gateway-service", flags.gateway_service,
                 "Service in the operator's namespace whose endpoints are the gateways")
      ->excludes(gateway);
  app.add_option("--gateway-port", flags.gateway_port,
                 "Name of that Service's port; needed if it has several")
      ->capture_default_str();
  app.add_option("--worker-ca", flags.worker_ca,
                 "CA bundle (PEM) for workers that serve https (default: the system's; followed as "
                 "it changes)");
  app.add_option("--gateway-ca", flags.gateway_ca,
                 "Gateways serve https: the CA bundle (PEM) that they are checked with, and those "
                 "of --gateway-service by the name SERVICE.NAMESPACE.svc");
  app.add_option("--signing-key", flags.signing_key,
                 "Private JWK with which calls to workers and gateways are signed (default: the "
                 "operator makes the cluster's keys and keeps them in Secrets)");
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  }
  return std::nullopt;
}

}  // namespace berth::op
