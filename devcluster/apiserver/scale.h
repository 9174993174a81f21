#pragma once

#include "berth/base/json.h"
#include "devcluster/apiserver/api_error.h"

namespace berth::devcluster {

/// The autoscaling/v1 Scale of a SessionPool. As on the real server, reading it while spec.workers
/// is absent is an InternalError; writing it is how spec.workers comes to be.
ApiResult<Json> scale_of(const ResourceType& type, const Json& object);

/// As scale_of(), but for building a patch on: without spec.replicas when spec.workers is absent.
Json scale_for_update(const Json& object);

/// `object` with the replicas of `scale`; the resourceVersion and uid in `scale` become its
/// preconditions.
ApiResult<Json> with_scale(const Json& object, const Json& scale);

}  // namespace berth::devcluster
