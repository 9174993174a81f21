#include "gateway/workers/worker_pod.h"

#include "berth/api/session_pool.h"
#include "berth/kube/object.h"

namespace berth::gateway {
namespace {

std::uint16_t sessions_port(const Json& pod) {
  const Json* containers = find_path(pod, {"spec", "containers"});
  if (containers == nullptr || !containers->is_array()) {
    return api::kWorkerPort;
  }
  for (const Json& container : *containers) {
    const Json* ports = find(container, "ports");
    if (ports == nullptr || !ports->is_array()) {
      continue;
    }
    for (const Json& port : *ports) {
      const auto number = get_int(port, "containerPort");
      if (get_string(port, "name") == "sessions" && number && *number > 0 && *number < 65536) {
        return static_cast<std::uint16_t>(*number);
      }
    }
  }
  return api::kWorkerPort;
}

}  // namespace

std::string pool_key(std::string_view ns, std::string_view pool) {
  std::string key;
  key.reserve(ns.size() + 1 + pool.size());
  return key.append(ns).append("/").append(pool);
}

std::string WorkerPod::origin() const {
  const bool v6 = ip.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

std::optional<WorkerPod> WorkerPod::from_json(const Json& pod) {
  WorkerPod out;
  out.pool = kube::label_of(pod, api::kPoolLabel);
  out.uid = api::WorkerUid(kube::uid_of(pod));
  if (out.pool.empty() || out.uid.empty()) {
    return std::nullopt;
  }
  out.ns = kube::namespace_of(pod);
  out.name = kube::name_of(pod);
  out.ip = string_at(pod, {"status", "podIP"});
  out.port = sessions_port(pod);
  out.ready = kube::condition_status(pod, "Ready") == "True";
  out.deleting = kube::is_deleting(pod);
  const std::string phase = string_at(pod, {"status", "phase"});
  out.finished = phase == "Failed" || phase == "Succeeded";
  return out;
}

}  // namespace berth::gateway
