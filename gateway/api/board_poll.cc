#include "gateway/api/board_poll.h"

#include <chrono>
#include <limits>

#include "gateway/api/authorize.h"

namespace berth::gateway {
namespace {

constexpr std::int64_t kMaxWaitSeconds = 60;

}  // namespace

void poll_board(DemandBoard& board, const std::string& key, const PollRules& rules,
                const std::shared_ptr<http::Exchange>& exchange, std::function<void()> answer) {
  const http::Request& request = exchange->request();
  const auto after = int_query(request, "after", -1, -1, std::numeric_limits<std::int64_t>::max());
  const auto wait = int_query(request, "wait", 0, 0, kMaxWaitSeconds);
  if (!after || !wait) {
    exchange->reply(!after ? after.error() : wait.error());
    return;
  }
  const bool known = *after == board.version(key) &&
                     request.query("replica").value_or(std::string(rules.replica)) == rules.replica;
  if (!known || *wait == 0) {
    answer();
    return;
  }
  if (board.waiters() >= rules.max_waiters) {
    exchange->reply(Error::make(ErrorCode::kResourceExhausted, "TooManyPolls",
                                "too many " + std::string(rules.what) + " are open"));
    return;
  }
  // The handle lives in the exchange, so a poll whose client has gone is dropped.
  const auto poll = std::make_shared<Cancel>();
  exchange->on_client_gone([poll] { poll->cancel(); });
  *poll = board.wait(key, *after, std::chrono::seconds(*wait), std::move(answer));
}

}  // namespace berth::gateway
