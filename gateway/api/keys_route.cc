#include "gateway/api/keys_route.h"

#include <limits>
#include <utility>

#include "berth/auth/session_token.h"
#include "gateway/api/authorize.h"

namespace berth::gateway {
namespace {

constexpr std::int64_t kMaxWaitSeconds = 60;
constexpr std::size_t kMaxWaiters = 100;

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
  const http::Request& request = exchange->request();
  if (auto ok = verify_(auth::bearer_token(request.headers.get("Authorization"))); !ok) {
    exchange->reply(ok.error());
    return;
  }
  const auto after = int_query(request, "after", -1, -1, std::numeric_limits<std::int64_t>::max());
  const auto wait = int_query(request, "wait", 0, 0, kMaxWaitSeconds);
  if (!after || !wait) {
    exchange->reply(!after ? after.error() : wait.error());
    return;
  }
  const bool known =
      *after == board_.version("") && request.query("replica").value_or(replica_) == replica_;
  if (!known || *wait == 0) {
    answer(*exchange);
    return;
  }
  if (board_.waiters() >= kMaxWaiters) {
    exchange->reply(Error::make(ErrorCode::kResourceExhausted, "TooManyPolls",
                                "too many polls for keys are open"));
    return;
  }
  // The handle lives in the exchange, so a poll whose client has gone is dropped.
  const auto poll = std::make_shared<Cancel>();
  exchange->on_client_gone([poll] { poll->cancel(); });
  *poll =
      board_.wait("", *after, std::chrono::seconds(*wait), [this, exchange] { answer(*exchange); });
}

}  // namespace berth::gateway
