#pragma once

#include <string>

namespace berth::cli {

/// What the global flags said; empty: not given.
struct Flags {
  std::string gateway;
  std::string ca_file;
  std::string server_name;
  std::string token_file;
  std::string ns;
  std::string kubeconfig;
  std::string context;
  std::string service_account;
  std::string gateway_namespace = "berth-system";
  std::string gateway_service = "berth-gateway";  ///< NAME or NAME:PORT.
  std::string dev_name = "dev";  ///< Which `berth dev` to talk to when nothing else is given.
};

}  // namespace berth::cli
