#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "berth/base/json.h"

namespace berth::devcluster {

/// What clients ask to learn which types there are: /version, /api, /apis, /apis/<group>, /api/v1,
/// /apis/<group>/<version>, and of OpenAPI just what kubectl needs to leave validation to the
/// server. Nothing for other paths.
std::optional<Json> discovery(std::string_view path);

}  // namespace berth::devcluster
