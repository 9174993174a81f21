#pragma once

#include <optional>
#include <string>
#include <vector>

#include "berth/base/error.h"
#include "operator/render/worker_pod.h"

namespace berth::op {

/// What the program was started with.
struct Flags {
  std::string kubeconfig;
  std::vector<std::string> namespaces;
  std::string lease_namespace;
  std::string signing_key;
  std::string probe_listen = "*:8081";
  std::string port_file;
  std::string log_level = "info";
  std::string log_format = "auto";
  std::vector<std::string> gateways;
  std::string gateway_service;
  std::string gateway_port = "http";
  std::string worker_ca;
  std::string gateway_ca;
  RenderSettings render;
};

/// Reads the command line. An exit code: the program is to end now (help, version, a wrong flag),
/// and what there was to say has been said.
std::optional<int> read_flags(int argc, char** argv, Flags& flags);

}  // namespace berth::op
