#include "operator/model/pod_view.h"

#include "berth/api/worker_address.h"
#include "berth/kube/object.h"

namespace berth::op {
namespace {

const Json* worker_status(const Json& pod) {
  const Json* statuses = find_path(pod, {"status", "containerStatuses"});
  if (statuses != nullptr && statuses->is_array()) {
    for (const Json& s : *statuses) {
      if (get_string(s, "name") == api::kWorkerContainer) {
        return &s;
      }
    }
  }
  return nullptr;
}

std::optional<WallTime> time_at(const Json& object, std::initializer_list<std::string_view> path) {
  const std::string text = string_at(object, path);
  if (text.empty()) {
    return std::nullopt;
  }
  const Result<WallTime> t = parse_rfc3339(text);
  return t ? std::optional(*t) : std::nullopt;
}

void read_container(const Json& pod, PodView& v) {
  const Json* s = worker_status(pod);
  if (s == nullptr) {
    v.never_started = string_at(pod, {"status", "phase"}) == "Pending";
    return;
  }
  const Json* last = find(*s, "lastState");
  const bool running = find_path(*s, {"state", "running"}) != nullptr;
  const bool ended = find_path(*s, {"state", "terminated"}) != nullptr;
  v.never_started = get_int(*s, "restartCount").value_or(0) == 0 &&
                    (last == nullptr || last->empty()) &&
                    !get_bool(*s, "started").value_or(false) && !running && !ended;
  if (!running && !v.never_started) {
    v.stopped_since = time_at(*s, {"state", "terminated", "finishedAt"});
    if (!v.stopped_since) {
      v.stopped_since = time_at(*s, {"lastState", "terminated", "finishedAt"});
    }
  }
}

}  // namespace

std::optional<PodView> PodView::from(const Json& pod) {
  PodView v;
  v.pool = kube::label_of(pod, api::kPoolLabel);
  if (v.pool.empty()) {
    return std::nullopt;
  }
  v.name = kube::name_of(pod);
  v.ns = kube::namespace_of(pod);
  v.uid = kube::uid_of(pod);
  v.resource_version = kube::version_of(pod);
  v.revision = kube::label_of(pod, api::kRevisionLabel);
  v.controller_uid = kube::controller_uid(pod);
  v.node = string_at(pod, {"spec", "nodeName"});
  v.ip = string_at(pod, {"status", "podIP"});
  v.port = api::worker_port(pod);
  v.created = time_at(pod, {"metadata", "creationTimestamp"}).value_or(WallTime{});
  v.ready = kube::condition_status(pod, "Ready") == "True";
  const std::string phase = string_at(pod, {"status", "phase"});
  v.finished = phase == "Failed" || phase == "Succeeded";
  v.unschedulable = kube::condition_status(pod, "PodScheduled") == "False";
  v.person_cordon = !kube::annotation_of(pod, api::kCordonAnnotation).empty();
  v.deleting_by = time_at(pod, {"metadata", "deletionTimestamp"});
  read_container(pod, v);
  return v;
}

std::string PodView::origin() const {
  return api::worker_origin(ip, port);
}

std::optional<NodeView> NodeView::from(const Json& node) {
  NodeView v;
  v.ready = kube::condition_status(node, "Ready") == "True";
  const Json* taints = find_path(node, {"spec", "taints"});
  if (taints != nullptr && taints->is_array()) {
    for (const Json& t : *taints) {
      v.out_of_service |= get_string(t, "key") == "node.kubernetes.io/out-of-service";
    }
  }
  return v;
}

Worker make_worker(const PodView& pod, const NodeView* node, bool nodes_known, const Clock& clock) {
  const auto to_point = [&](WallTime t) { return clock.now() - (clock.wall_now() - t); };
  Worker w;
  w.name = pod.name;
  w.uid = pod.uid;
  w.resource_version = pod.resource_version;
  w.node = pod.node;
  w.revision = pod.revision;
  w.created_at = to_point(pod.created);
  w.ready = pod.ready;
  w.finished = pod.finished;
  w.unschedulable = pod.unschedulable;
  w.never_started = pod.never_started;
  w.person_cordon = pod.person_cordon;
  if (pod.deleting_by) {
    w.deleting = true;
    w.delete_by = to_point(*pod.deleting_by);
  }
  if (pod.stopped_since && node != nullptr && node->ready) {
    w.stopped_since = to_point(*pod.stopped_since);
  }
  w.node_lost = !pod.node.empty() && nodes_known && (node == nullptr || node->out_of_service);
  return w;
}

}  // namespace berth::op
