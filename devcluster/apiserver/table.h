#pragma once

#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "devcluster/apiserver/store.h"

/// The meta.k8s.io/v1 Table that `kubectl get` prints.
namespace berth::devcluster {

/// True for types with columns of their own; kubectl prints names and ages of the others by itself.
bool has_table(const ResourceType& type);
/// List metadata is the caller's to fill in. Pre: has_table(type).
Json to_table(const ResourceType& type, const std::vector<ObjectPtr>& items, WallTime now);

/// As kubectl writes ages: "45s", "3m10s", "2h5m", "4d".
std::string human_duration(Duration d);

}  // namespace berth::devcluster
