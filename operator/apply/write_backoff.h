#pragma once

#include "berth/base/backoff.h"

namespace berth::op {

/// Between tries of a write that the API server did not take. One for each object, so it is not in
/// a hurry; what a session waits for has a shorter one.
inline constexpr Backoff::Settings kWriteBackoff{std::chrono::seconds(1), std::chrono::minutes(1),
                                                 2.0, 0.5};

}  // namespace berth::op
