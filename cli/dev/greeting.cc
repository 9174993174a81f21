#include "cli/dev/greeting.h"

#include <algorithm>

#include "berth/kube/object.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

bool runs_commands(const Json& pool) {
  const Json* exec = find_path(pool, {"spec", "worker", "exec"});
  return exec != nullptr && exec->is_boolean() && exec->get<bool>();
}

// `berth` for one pool. Without exec there is no command to run, but a session to keep.
std::string session_line(const Running& running, const Json& pool) {
  const std::string ns = kube::namespace_of(pool);
  const std::string berth = shell_word(running.program) +
                            (running.name == "dev" ? "" : " --dev " + running.name) +
                            (ns == "default" ? "" : " -n " + ns);
  const std::string name = kube::name_of(pool);
  return runs_commands(pool)
             ? "Run a command:     " + berth + " session run --pool " + name + " -- uname -a\n"
             : "Keep a session:    " + berth + " session create --pool " + name + " --keep $$\n";
}

}  // namespace

std::string greeting(const Running& running) {
  std::string out = "Berth is running. Ctrl-C ends it and all it started.\n\n  gateway     " +
                    running.gateway + "\n  live page   " + running.page + "\n  kubeconfig  " +
                    running.kubeconfig + "\n  logs        " + running.logs + "\n\n";
  if (running.pools.empty()) {
    out += "Make a pool:       kubectl --kubeconfig " + shell_word(running.kubeconfig) +
           " apply -f pool.yaml\n";
  } else {
    auto pool = std::find_if(running.pools.begin(), running.pools.end(), runs_commands);
    pool = pool == running.pools.end() ? running.pools.begin() : pool;
    out += "Open a session:    curl -X POST -H \"Authorization: Bearer $(cat " +
           shell_word(running.token_file) + ")\" -d '{}' " + running.gateway + "/v1/namespaces/" +
           kube::namespace_of(*pool) + "/pools/" + kube::name_of(*pool) + "/sessions\n" +
           session_line(running, *pool);
  }
  return out + "See the metrics:   curl " + running.gateway_probes + "/metrics " +
         running.operator_probes + "/metrics\n";
}

}  // namespace berth::cli
