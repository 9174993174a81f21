#pragma once

#include <chrono>

#include "berth/base/backoff.h"
#include "berth/base/clock.h"

/// How we ask a worker for news of an activity.
namespace berth::client {

/// The worker holds a question that long when there is no news.
inline constexpr Duration kPollWait = std::chrono::seconds(25);
/// A worker that answers at once and without news must not be hammered.
inline constexpr Duration kShortestPoll = std::chrono::milliseconds(200);
/// Between questions that get no answer.
inline constexpr Backoff::Settings kNoAnswerBackoff = {.initial = std::chrono::milliseconds(100),
                                                       .max = std::chrono::seconds(2),
                                                       .factor = 2.0,
                                                       .jitter = 0.5};

}  // namespace berth::client
