#pragma once

#include <string>
#include <vector>

#include "cli/settings/settings.h"

namespace berth::cli {

struct DevFlags {
  std::string name = "dev";
  std::vector<std::string> files;   ///< Pools, YAML or JSON.
  std::vector<std::string> images;  ///< "berth.local/worker=/path/to/program"
  std::string listen = "127.0.0.1:7070";
  std::string data_dir;    ///< Empty: in the state directory, under the name.
  std::string ready_file;  ///< Written with the addresses once everything answers.
  bool verbose = false;
};

/// `berth dev`: a cluster, gateway and operator on this machine, until Ctrl-C. Programs are taken
/// from the folder of `berth` itself, so that what runs is what was built.
int dev(const DevFlags& flags);

}  // namespace berth::cli
