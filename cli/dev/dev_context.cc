#include "cli/dev/dev_context.h"

#include <signal.h>

#include "berth/api/ids.h"
#include "berth/base/file.h"
#include "berth/base/json.h"
#include "cli/settings/settings.h"

namespace berth::cli {

std::string no_dev_runs(const std::string& name) {
  return "no `berth dev` runs under the name '" + name + "'";
}

Result<std::filesystem::path> dev_dir(const std::string& name) {
  BERTH_TRY(api::check_id(name, "--name"));
  BERTH_ASSIGN(const std::filesystem::path base, state_dir());
  const std::filesystem::path dir = base / "dev" / name;
  std::error_code failure;
  std::filesystem::create_directories(dir, failure);
  if (failure) {
    return fail(Error::from_errno(failure.value(), "creating " + dir.string()));
  }
  return dir;
}

Status write_dev_context(const std::string& name, const DevContext& context) {
  BERTH_ASSIGN(const std::filesystem::path dir, dev_dir(name));
  const Json json = {{"gateway", context.gateway},
                     {"tokenFile", context.token_file},
                     {"kubeconfig", context.kubeconfig},
                     {"pid", context.pid}};
  return write_file_atomic(dir / "context.json", dump_json(json) + "\n", 0600);
}

Result<DevContext> read_dev_context(const std::string& name) {
  BERTH_ASSIGN(const std::filesystem::path dir, dev_dir(name));
  const Result<std::string> text = read_file(dir / "context.json", 65536);
  const Error none = Error::make(ErrorCode::kNotFound, "NoDevCluster", no_dev_runs(name));
  if (!text) {
    return fail(none);
  }
  BERTH_ASSIGN(const Json json, parse_json(*text));
  DevContext c;
  c.gateway = get_string(json, "gateway").value_or("");
  c.token_file = get_string(json, "tokenFile").value_or("");
  c.kubeconfig = get_string(json, "kubeconfig").value_or("");
  c.pid = static_cast<int>(get_int(json, "pid").value_or(0));
  if (c.gateway.empty() || c.pid <= 0 || (::kill(c.pid, 0) != 0 && errno == ESRCH)) {
    return fail(none);
  }
  return c;
}

}  // namespace berth::cli
