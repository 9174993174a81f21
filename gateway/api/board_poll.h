#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "berth/http/server.h"
#include "gateway/placement/demand_board.h"

namespace berth::gateway {

/// What polls of one kind share.
struct PollRules {
  std::string_view replica;     ///< Ours: versions count within it.
  std::size_t max_waiters = 0;  ///< More are 429 TooManyPolls.
  std::string_view what;        ///< For that message: "demand polls".
};

/// An operator's long poll: calls `answer` at once if the query's `after` (and `replica`, if given)
/// is not what `board` says of `key` now, else at the next change or after `wait` seconds; once, or
/// never if the client leaves before. Replies itself to a malformed query.
void poll_board(DemandBoard& board, const std::string& key, const PollRules& rules,
                const std::shared_ptr<http::Exchange>& exchange, std::function<void()> answer);

}  // namespace berth::gateway
