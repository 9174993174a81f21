#include "cli/settings/config_command.h"

#include <iostream>

#include "cli/text/table.h"

namespace berth::cli {
namespace {

std::string token_text(const Target& target) {
  switch (target.token) {
    case Target::Token::kNone:
      return "none";
    case Target::Token::kFile:
      return target.token_file;
    case Target::Token::kEnvironment:
      return "$BERTH_TOKEN";
    case Target::Token::kServiceAccount:
      break;
  }
  return "kubectl create token " + target.service_account + " --audience=berth";
}

}  // namespace

std::string config_text(const Flags& flags, const Target& target) {
  const bool kubectl = target.way == Target::Way::kKubectl;
  Table table({"SETTING", "VALUE", "FROM"});
  table.add({"gateway",
             kubectl ? "kubectl port-forward --namespace=" + flags.gateway_namespace + " service/" +
                           flags.gateway_service
                     : target.gateway,
             target.why});
  if (!target.ca_file.empty()) {
    table.add({"CA bundle", target.ca_file, ""});
  }
  if (!target.server_name.empty()) {
    table.add({"server name", target.server_name, ""});
  }
  table.add({"token", token_text(target), ""});
  table.add({"namespace", target.ns.empty() ? "that of the kubeconfig's context" : target.ns, ""});
  table.add({"kubeconfig", target.kubeconfig.empty() ? "kubectl's own" : target.kubeconfig, ""});
  table.add({"context", flags.context.empty() ? "the current one" : flags.context, ""});
  return table.text();
}

int config(const Flags& flags, bool check) {
  std::cout << config_text(flags, find_target(flags)) << std::flush;
  if (!check) {
    return 0;
  }
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report(connection.error());
  }
  const client::Client client(client_options(*connection, ""));
  const auto pools = client.get("/v1/pools").get();
  if (!pools) {
    return report(pools.error());
  }
  const Json* list = find(*pools, "pools");
  const std::size_t shown = list != nullptr && list->is_array() ? list->size() : 0;
  std::cout << "The gateway answers at " << connection->gateway() << " and shows " << shown
            << (shown == 1 ? " pool.\n" : " pools.\n");
  return 0;
}

}  // namespace berth::cli
