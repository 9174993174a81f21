#include "operator/disruption/node_view.h"

#include <algorithm>
#include <array>

#include "berth/kube/object.h"

namespace berth::op {
namespace {

constexpr std::string_view kOutOfService = "node.kubernetes.io/out-of-service";
// "DeletionCandidate..." is only a hint: the autoscaler sets it on every node that it finds little
// used, and takes most of them back.
constexpr std::string_view kCandidate = "DeletionCandidateOfClusterAutoscaler";
constexpr std::array<std::string_view, 3> kLeaving{
    "ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption"};

}  // namespace

std::optional<NodeView> NodeView::from(const Json& node) {
  NodeView v;
  v.ready = kube::condition_status(node, "Ready") == "True";
  const Json* spec = find(node, "spec");
  if (spec == nullptr) {
    return v;
  }
  if (get_bool(*spec, "unschedulable").value_or(false)) {
    v.leaving = "is cordoned";
  }
  const Json* taints = find(*spec, "taints");
  if (taints == nullptr || !taints->is_array()) {
    return v;
  }
  for (const Json& taint : *taints) {
    const std::string key = get_string(taint, "key").value_or("");
    v.out_of_service |= key == kOutOfService;
    v.hinted |= key == kCandidate;
    if (std::find(kLeaving.begin(), kLeaving.end(), key) != kLeaving.end()) {
      v.leaving = "is tainted " + key;
    }
  }
  return v;
}

}  // namespace berth::op
