#include "gateway/access/token_claims.h"

#include <chrono>

#include "berth/auth/session_token.h"
#include "berth/base/json.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kMaxAudiences = 8;
/// Year 9999; what lies beyond would not fit a WallTime.
constexpr std::int64_t kLastSecond = 9'000'000'000;

std::optional<Json> payload_of(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) {
    return std::nullopt;
  }
  const auto text = auth::base64url_decode(token.substr(first + 1, second - first - 1));
  if (!text) {
    return std::nullopt;
  }
  auto json = parse_json(*text);
  return json && json->is_object() ? std::optional(*std::move(json)) : std::nullopt;
}

}  // namespace

TokenClaims TokenClaims::read(std::string_view token) {
  TokenClaims out;
  const auto payload = payload_of(token);
  if (!payload) {
    return out;
  }
  if (const Json* exp = find(*payload, "exp"); exp != nullptr && exp->is_number()) {
    const double seconds = exp->get<double>();
    if (seconds >= 0 && seconds <= static_cast<double>(kLastSecond)) {
      out.expires = WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
    }
  }
  if (const Json* aud = find(*payload, "aud")) {
    const auto add = [&](const Json& one) {
      if (one.is_string() && out.audiences.size() < kMaxAudiences) {
        out.audiences.push_back(one.get<std::string>());
      }
    };
    if (aud->is_array()) {
      for (const Json& one : *aud) {
        add(one);
      }
    } else {
      add(*aud);
    }
  }
  return out;
}

}  // namespace berth::gateway
