#pragma once

#include <string_view>

#include "berth/base/json.h"
#include "devcluster/apiserver/api_error.h"

namespace berth::devcluster {

enum class PatchType { kMerge, kJson, kStrategic, kApply };

/// From the Content-Type of a PATCH; 415 with the accepted ones otherwise.
ApiResult<PatchType> patch_type(std::string_view content_type);

/// The object after the patch.
///
///   - merge: RFC 7396. json: RFC 6902; a failed `test` or a wrong path is 422.
///   - strategic: as merge, for built-in types only, and only for patches without lists of objects
///   and `$` directives,
///     where the two mean the same; else 415.
///   - apply: the applied fields are merged in; fields that the manager stops naming stay (no field
///   ownership here).
ApiResult<Json> apply_patch(const ResourceType& type, PatchType how, const Json& current,
                            const Json& patch);

}  // namespace berth::devcluster
