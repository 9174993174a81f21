#include "gateway/workers/worker_pod.h"

#include "berth/api/session_pool.h"
#include "berth/api/worker_address.h"
#include "berth/kube/object.h"

namespace berth::gateway {
namespace {

// Without readiness gates the kubelet writes both conditions together and alike.
bool ready_by_kubelet(const Json& pod) {
  const std::string containers = kube::condition_status(pod, "ContainersReady");
  const Json* gates = find_path(pod, {"spec", "readinessGates"});
  const bool alike = !containers.empty() && (gates == nullptr || gates->empty());
  return (alike ? containers : kube::condition_status(pod, "Ready")) == "True";
}

}  // namespace

std::string pool_key(std::string_view ns, std::string_view pool) {
  std::string key;
  key.reserve(ns.size() + 1 + pool.size());
  return key.append(ns).append("/").append(pool);
}

std::string WorkerPod::origin() const {
  return api::worker_origin(ip, port, tls);
}

std::string WorkerPod::server_name() const {
  return api::worker_server_name(ns, tls);
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
  out.port = api::worker_port(pod);
  out.tls = api::worker_speaks_tls(pod);
  out.ready = ready_by_kubelet(pod);
  out.deleting = kube::is_deleting(pod);
  const std::string phase = string_at(pod, {"status", "phase"});
  out.finished = phase == "Failed" || phase == "Succeeded";
  return out;
}

}  // namespace berth::gateway
