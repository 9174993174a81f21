#pragma once

#include <chrono>
#include <string_view>

#include "berth/base/clock.h"
#include "berth/base/error.h"

namespace berth::api {

/// The shortest executionTimeout and heartbeatTimeout of a session.
inline constexpr Duration kMinSessionTimeout = std::chrono::seconds(1);

/// That a session may have this executionTimeout or heartbeatTimeout (`field`) where the pool
/// allows `longest`. Gateway and worker tell it in the same words.
Status check_session_timeout(std::string_view field, Duration asked, Duration longest);

}  // namespace berth::api
