#pragma once

#include <string>
#include <vector>

#include "berth/base/json.h"

namespace berth::cli {

/// What runs, as `berth dev` tells it.
struct Running {
  std::string name;     ///< --name
  std::string program;  ///< `berth` itself, as it is called.
  std::string gateway;  ///< Origins.
  std::string page;
  std::string gateway_probes;
  std::string operator_probes;
  std::string token_file;
  std::string kubeconfig;
  std::string logs;
  std::vector<Json> pools;  ///< With their namespaces.
};

/// The addresses, and lines to copy into another terminal: each works as it stands there. Without a
/// pool one of them makes one.
std::string greeting(const Running& running);

}  // namespace berth::cli
