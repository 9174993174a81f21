#pragma once

#include <filesystem>
#include <string>

#include "berth/base/error.h"

namespace berth::cli {

/// What a running `berth dev` leaves for other `berth` commands to find it: <state
/// dir>/dev/<name>/context.json.
struct DevContext {
  std::string gateway;  ///< "http://127.0.0.1:7070"
  std::string token_file;
  std::string kubeconfig;
  int pid = 0;
};

/// "no `berth dev` runs under the name 'x'", for errors.
std::string no_dev_runs(const std::string& name);

Result<std::filesystem::path> dev_dir(const std::string& name);
Status write_dev_context(const std::string& name, const DevContext& context);
/// kNotFound with a hint when no `berth dev` of that name runs.
Result<DevContext> read_dev_context(const std::string& name);

}  // namespace berth::cli
