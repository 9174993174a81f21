#include "devcluster/apiserver/resource_type.h"

#include <array>
#include <cstdlib>

namespace berth::devcluster {

namespace {

constexpr std::string_view kEventFields =
    "reason type involvedObject.kind involvedObject.namespace involvedObject.name "
    "involvedObject.uid regarding.kind regarding.namespace regarding.name regarding.uid";

constexpr std::array kTypes{
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "pods",
                 .singular = "pod",
                 .kind = "Pod",
                 .short_name = "po",
                 .status = true,
                 .generation = true,
                 .graceful = true,
                 .field_labels = "spec.nodeName status.phase status.podIP spec.restartPolicy"},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "configmaps",
                 .singular = "configmap",
                 .kind = "ConfigMap",
                 .short_name = "cm"},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "secrets",
                 .singular = "secret",
                 .kind = "Secret",
                 .field_labels = "type"},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "services",
                 .singular = "service",
                 .kind = "Service",
                 .short_name = "svc",
                 .status = true},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "nodes",
                 .singular = "node",
                 .kind = "Node",
                 .short_name = "no",
                 .namespaced = false,
                 .status = true,
                 .field_labels = "spec.unschedulable"},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "namespaces",
                 .singular = "namespace",
                 .kind = "Namespace",
                 .short_name = "ns",
                 .namespaced = false,
                 .status = true,
                 .needs_version = true,
                 .field_labels = "status.phase"},
    ResourceType{.group = "",
                 .version = "v1",
                 .plural = "events",
                 .singular = "event",
                 .kind = "Event",
                 .short_name = "ev",
                 .field_labels = kEventFields,
                 .view = true},
    ResourceType{.group = "events.k8s.io",
                 .version = "v1",
                 .plural = "events",
                 .singular = "event",
                 .kind = "Event",
                 .short_name = "ev",
                 .field_labels = kEventFields,
                 .keep_newest = 1000},
    ResourceType{.group = "coordination.k8s.io",
                 .version = "v1",
                 .plural = "leases",
                 .singular = "lease",
                 .kind = "Lease",
                 .needs_version = true},
    ResourceType{.group = "discovery.k8s.io",
                 .version = "v1",
                 .plural = "endpointslices",
                 .singular = "endpointslice",
                 .kind = "EndpointSlice",
                 .generation = true},
    ResourceType{.group = "policy",
                 .version = "v1",
                 .plural = "poddisruptionbudgets",
                 .singular = "poddisruptionbudget",
                 .kind = "PodDisruptionBudget",
                 .short_name = "pdb",
                 .status = true,
                 .generation = true,
                 .needs_version = true},
    ResourceType{.group = "apps",
                 .version = "v1",
                 .plural = "controllerrevisions",
                 .singular = "controllerrevision",
                 .kind = "ControllerRevision",
                 .needs_version = true},
    ResourceType{.group = "berth.dev",
                 .version = "v1alpha1",
                 .plural = "sessionpools",
                 .singular = "sessionpool",
                 .kind = "SessionPool",
                 .short_name = "spool",
                 .status = true,
                 .scale = true,
                 .generation = true,
                 .custom = true,
                 .needs_version = true},
};

}  // namespace

std::string ResourceType::resource_name() const {
  return group.empty() ? std::string(plural) : std::string(plural) + "." + std::string(group);
}

std::string ResourceType::kind_name() const {
  return group.empty() ? std::string(kind) : std::string(kind) + "." + std::string(group);
}

std::string ResourceType::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

std::span<const ResourceType> all_types() {
  return kTypes;
}

const ResourceType* find_type(std::string_view group, std::string_view version,
                              std::string_view plural) {
  for (const ResourceType& t : kTypes) {
    if (t.group == group && t.version == version && t.plural == plural) {
      return &t;
    }
  }
  return nullptr;
}

const ResourceType& type_of(std::string_view plural) {
  for (const ResourceType& t : kTypes) {
    if (t.plural == plural && !t.view) {
      return t;
    }
  }
  std::abort();  // Only names from the table above are asked for.
}

const ResourceType& stored_type(const ResourceType& type) {
  return type.view ? type_of(type.plural) : type;
}

}  // namespace berth::devcluster
