#include "operator/model/pod_view.h"

#include <algorithm>
#include <array>

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

const Json* condition(const Json& pod, std::string_view type) {
  const Json* list = find_path(pod, {"status", "conditions"});
  if (list != nullptr && list->is_array()) {
    for (const Json& c : *list) {
      if (get_string(c, "type") == type) {
        return &c;
      }
    }
  }
  return nullptr;
}

// The kubelet sets Ready to False in the same step in which it takes the pod over, before it starts
// a container, and moves lastTransitionTime with every change: a time that is still that of
// startTime (both have whole seconds) means that it never was True.
bool is_never_ready(const Json& pod) {
  const Json* ready = condition(pod, "Ready");
  const auto start = time_at(pod, {"status", "startTime"});
  if (ready == nullptr || !start || get_string(*ready, "status") != "False") {
    return false;
  }
  const auto since = time_at(*ready, {"lastTransitionTime"});
  return since && *since <= *start + std::chrono::seconds(1);
}

// What a program that could not start left in /dev/termination-log, on one line.
std::string last_words(const Json& status) {
  constexpr std::size_t kMost = 400;
  std::string words = string_at(status, {"lastState", "terminated", "message"});
  while (!words.empty() && words.back() == '\n') {
    words.pop_back();
  }
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words.substr(0, kMost);
}

std::string trouble_of(const Json& status) {
  constexpr std::array<std::string_view, 8> kTroubles{
      "CrashLoopBackOff",  "ImagePullBackOff",           "ErrImagePull",
      "InvalidImageName",  "CreateContainerConfigError", "CreateContainerError",
      "ErrImageNeverPull", "RunContainerError"};
  const std::string reason = string_at(status, {"state", "waiting", "reason"});
  if (std::find(kTroubles.begin(), kTroubles.end(), reason) == kTroubles.end()) {
    return "";
  }
  const std::string words = last_words(status);
  return words.empty() ? reason : reason + ": " + words;
}

void read_container(const Json& pod, PodView& v) {
  const Json* s = worker_status(pod);
  if (s == nullptr) {
    v.never_started = string_at(pod, {"status", "phase"}) == "Pending";
    return;
  }
  v.trouble = trouble_of(*s);
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
  v.tls = api::worker_speaks_tls(pod);
  v.created = time_at(pod, {"metadata", "creationTimestamp"}).value_or(WallTime{});
  v.ready = kube::condition_status(pod, "Ready") == "True";
  const std::string phase = string_at(pod, {"status", "phase"});
  v.finished = phase == "Failed" || phase == "Succeeded";
  v.unschedulable = kube::condition_status(pod, "PodScheduled") == "False";
  v.person_cordon = !kube::annotation_of(pod, api::kCordonAnnotation).empty();
  v.person_drain = !kube::annotation_of(pod, api::kDrainAnnotation).empty();
  v.never_ready = is_never_ready(pod);
  if (const Json* target = condition(pod, "DisruptionTarget");
      target != nullptr && get_string(*target, "status") == "True") {
    v.disruption_target = get_string(*target, "reason").value_or("unknown");
  }
  v.deleting_by = time_at(pod, {"metadata", "deletionTimestamp"});
  read_container(pod, v);
  return v;
}

control::WorkerTarget PodView::target() const {
  return {api::worker_origin(ip, port, tls), api::WorkerUid(uid), api::worker_server_name(ns, tls)};
}

Worker make_worker(const PodView& pod, const NodeState& node, const Clock& clock) {
  const auto to_point = [&](WallTime t) { return clock.now() - (clock.wall_now() - t); };
  Worker w;
  w.name = pod.name;
  w.uid = pod.uid;
  w.resource_version = pod.resource_version;
  w.node = pod.node;
  w.revision = pod.revision;
  w.created_at = to_point(pod.created);
  w.trouble = pod.trouble;
  w.ready = pod.ready;
  w.finished = pod.finished;
  w.unschedulable = pod.unschedulable;
  w.never_started = pod.never_started;
  w.never_ready = pod.never_ready;
  w.person_cordon = pod.person_cordon;
  w.person_drain = pod.person_drain;
  if (pod.deleting_by) {
    w.deleting = true;
    w.delete_by = to_point(*pod.deleting_by);
  }
  if (pod.stopped_since && node.view != nullptr && node.view->ready) {
    w.stopped_since = to_point(*pod.stopped_since);
  }
  if (!pod.node.empty()) {
    w.node_lost = node.gone || (node.view != nullptr && node.view->out_of_service);
  }
  if (!pod.disruption_target.empty()) {
    w.leaving = "its pod is a disruption target: " + pod.disruption_target;
  } else if (node.view != nullptr) {
    const bool came_later = node.leaving_since && w.created_at > *node.leaving_since;
    if (!node.view->leaving.empty() && !came_later) {
      w.leaving = "node " + pod.node + " " + node.view->leaving;
    }
    w.node_hinted = node.view->hinted;
  }
  return w;
}

}  // namespace berth::op
