#pragma once

#include "devcluster/apiserver/api_error.h"

namespace berth::devcluster {

/// What the API server adds to and demands of the objects that Berth uses, by type: defaults and
/// shape of pods, the immutable pod spec, Secrets' stringData, and SessionPools as
/// api::SessionPool::parse wants them. Other types pass as they are. `before` is null on creation.
/// For Store.
ApiResult<void> admit(const ResourceType& type, Json& object, const Json* before);

}  // namespace berth::devcluster
