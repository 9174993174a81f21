#include "gateway/api/keys_route.h"

#include <utility>

#include "berth/auth/session_token.h"
#include "gateway/api/board_poll.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kMaxKeyPolls = 100;

}  // namespace

KeysRoute::KeysRoute(EventLoop& loop, std::int64_t first_version, std::string replica,
                     std::function<OwnKeys()> keys, DemandRoute::VerifyOperator verify)
    : board_(loop, first_version),
      replica_(std::move(replica)),
      keys_(std::move(keys)),
      verify_(std::move(verify)) {}

void KeysRoute::answer(http::Exchange& exchange) const {
  api::GatewayKeys out;
  out.replica = replica_;
  out.version = board_.version("");
  const OwnKeys own = keys_ ? keys_() : OwnKeys{};
  out.signing = own.signing;
  for (const std::string& id : own.accepted) {
    if (out.keys.size() < api::kMaxKeysTold) {
      out.keys.push_back(id);
    }
  }
  exchange.reply_json(200, dump_json(to_json(out)));
}

void KeysRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const http::Headers& headers = exchange->request().headers;
  if (auto ok = verify_(auth::bearer_token(headers.get("Authorization"))); !ok) {
    exchange->reply(ok.error());
    return;
  }
  poll_board(board_, "", {replica_, kMaxKeyPolls, "polls for keys"}, exchange,
             [this, exchange] { answer(*exchange); });
}

}  // namespace berth::gateway
