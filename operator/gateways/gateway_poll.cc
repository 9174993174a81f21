#include "operator/gateways/gateway_poll.h"

namespace berth::op {

http::Request gateway_question(auth::TokenSigner& signer, std::string target,
                               std::chrono::seconds wait, const GatewayAnswer* last) {
  http::Request request;
  request.method = "GET";
  request.target = std::move(target) + "wait=" + std::to_string(wait.count());
  if (last != nullptr) {
    request.target += "&replica=" + http::percent_encode(last->replica) +
                      "&after=" + std::to_string(last->version);
  }
  request.headers.add("Authorization", "Bearer " + signer.token(auth::kGatewayAudience));
  return request;
}

}  // namespace berth::op
