#include "tests/bench/kubernetes/workers/worker.h"

#include <utility>

#include "berth/api/session_pool.h"

namespace berth::bench {
namespace {

// The fields that operator/render/worker_pod.cc refers to.
std::string pod_field(const Json& pod, const std::string& path) {
  if (path == "metadata.name") {
    return kube::name_of(pod);
  }
  if (path == "metadata.namespace") {
    return kube::namespace_of(pod);
  }
  if (path == "metadata.uid") {
    return kube::uid_of(pod);
  }
  return path == "status.podIP" ? string_at(pod, {"status", "podIP"}) : std::string();
}

std::map<std::string, std::string> environment_of(const Json& pod) {
  std::map<std::string, std::string> out;
  for (const Json& container : pod.at("spec").at("containers")) {
    const Json* variables = find(container, "env");
    if (get_string(container, "name") != api::kWorkerContainer || variables == nullptr) {
      continue;
    }
    for (const Json& variable : *variables) {
      const std::string path = string_at(variable, {"valueFrom", "fieldRef", "fieldPath"});
      out[get_string(variable, "name").value_or("")] =
          path.empty() ? get_string(variable, "value").value_or("") : pod_field(pod, path);
    }
  }
  return out;
}

worker::WorkerIdentity identity_of(const worker::WorkerSettings& settings,
                                   const api::Incarnation& incarnation) {
  return {settings.name, api::WorkerUid(settings.uid), incarnation, settings.pool, settings.ns};
}

worker::SessionTableSettings table_settings(const worker::WorkerSettings& settings,
                                            const api::Incarnation& incarnation) {
  worker::SessionTableSettings out;
  out.incarnation = incarnation;
  out.sessions = settings.config.sessions;
  return out;
}

}  // namespace

std::optional<PodStart> PodStart::from(const Json& pod) {
  PodStart out{kube::uid_of(pod), string_at(pod, {"status", "podIP"}), {}};
  if (out.address.empty()) {
    return std::nullopt;
  }
  out.environment = environment_of(pod);
  return out;
}

std::filesystem::path Worker::NoDirectories::path(const api::SessionId& id) const {
  return "/nonexistent/" + id.str();
}

Status Worker::NoDirectories::ensure(const api::SessionId&) {
  return fail(Error::make(ErrorCode::kUnimplemented, "", "this worker has no disk"));
}

Worker::Worker(WorkerCommons& commons, worker::WorkerSettings settings,
               api::Incarnation incarnation)
    : keys_(settings.uid, commons.loop.clock()),
      table_(table_settings(settings, incarnation), commons.loop.clock(), ledger_),
      service_({commons.loop, commons.random, table_, commons.activities, directories_,
                commons.worker_metrics, commons.log},
               identity_of(settings, incarnation)),
      api_({commons.loop, service_, worker::ControlGuard(&keys_), commons.metrics,
            [] { return Status{}; }, [this] { return keys_.key_ids(); },
            settings.config.sessions.max_creation_timeout}) {
  api_.add_routes(router_);
}

Result<std::unique_ptr<Worker>> Worker::start(WorkerCommons& commons, const PodStart& pod) {
  const worker::Environment environment = [&pod](const char* name) -> std::optional<std::string> {
    const auto found = pod.environment.find(name);
    return found == pod.environment.end() ? std::nullopt : std::optional(found->second);
  };
  BERTH_ASSIGN(auto settings, worker::load_settings({}, environment, 0));
  const std::string address = worker::join_host_port(pod.address, api::kWorkerPort);
  std::unique_ptr<Worker> out(
      new Worker(commons, std::move(settings), api::Incarnation(commons.random.name(16))));
  BERTH_TRY(out->keys_.load_jwks(commons.jwks));
  BERTH_ASSIGN(out->server_, http::serve(commons.loop, out->router_,
                                         {.address = address, .limits = {}, .filter = {}}));
  out->service_.set_address(address);
  out->service_.start();
  return out;
}

}  // namespace berth::bench
