#include "worker/activity/build_registry.h"

#include <memory>

#include "worker/activity/command_executor.h"
#include "worker/activity/exec_executor.h"
#include "worker/activity/function_executor.h"
#include "worker/activity/http_executor.h"

namespace berth::worker {
namespace {

constexpr const char* kUsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Status add(ActivityRegistry& registry, const std::string& name,
           std::shared_ptr<Executor> executor) {
  if (!registry.add(name, std::move(executor))) {
    return fail(Error::make(ErrorCode::kAlreadyExists, "ActivityExists",
                            "there are two activities named " + name + "; rename one"));
  }
  return {};
}

}  // namespace

Result<ActivityRegistry> build_registry(
    const ExecutorParts& parts, const api::WorkerConfig& config,
    const std::vector<std::pair<std::string, ActivityFunction>>& functions) {
  const std::string path = parts.path.empty() ? kUsualPath : parts.path;
  ActivityRegistry registry;
  for (const api::ActivitySpec& spec : config.activities) {
    if (spec.http_url.empty()) {
      BERTH_TRY(add(registry, spec.name,
                    std::make_shared<CommandExecutor>(parts.supervisor, spec, path)));
    } else {
      BERTH_ASSIGN(auto executor, HttpExecutor::make(parts.loop, parts.transport, spec, parts.log));
      BERTH_TRY(add(registry, spec.name, std::move(executor)));
    }
  }
  if (config.exec) {
    api::ActivitySpec limits;
    limits.name = "exec";
    // A client's own command may run as long as its session, which has a limit of its own.
    limits.start_to_close_timeout = config.sessions.max_execution_timeout;
    BERTH_TRY(
        add(registry, limits.name, std::make_shared<ExecExecutor>(parts.supervisor, limits, path)));
  }
  FunctionLimits limits;
  limits.start_to_close_timeout = config.sessions.max_execution_timeout;
  for (const auto& [name, function] : functions) {
    BERTH_TRY(add(registry, name,
                  std::make_shared<FunctionExecutor>(parts.loop, parts.functions, function,
                                                     parts.log, limits)));
  }
  return registry;
}

}  // namespace berth::worker
