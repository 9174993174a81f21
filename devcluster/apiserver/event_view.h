#pragma once

#include "berth/base/json.h"
#include "devcluster/apiserver/resource_type.h"

/// Events are stored as events.k8s.io/v1 and shown as core/v1 too, where fields have other names
/// (kubectl reads those).
namespace berth::devcluster {

/// The stored object as `type` shows it. Only a view changes anything.
Json to_view(const ResourceType& type, const Json& stored);
/// The inverse, for what a client sends.
Json from_view(const ResourceType& type, Json shown);

}  // namespace berth::devcluster
