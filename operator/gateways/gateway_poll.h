#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/http/message.h"

/// What the long polls of gateways share.
namespace berth::op {

/// The answer that a poll resumes from; versions count within one replica.
struct GatewayAnswer {
  std::string replica;
  std::int64_t version = 0;
};

/// The next question. `target`: path and query up to where more parameters go, "/v1/keys?". `last`
/// null: any answer is news.
http::Request gateway_question(auth::TokenSigner& signer, std::string target,
                               std::chrono::seconds wait, const GatewayAnswer* last);

/// Makes `polls` (by origin) those of `origins`: drops the others, and adds what `make(origin)`
/// gives for new ones.
template <class Polls, class Make>
void match_polls(Polls& polls, const std::vector<std::string>& origins, Make make) {
  std::erase_if(polls, [&](const auto& p) {
    return std::find(origins.begin(), origins.end(), p.first) == origins.end();
  });
  for (const std::string& origin : origins) {
    auto& poll = polls[origin];
    if (!poll) {
      poll = make(origin);
    }
  }
}

}  // namespace berth::op
