#pragma once

#include <string>
#include <string_view>

#include "berth/base/json.h"
#include "berth/http/message.h"

namespace berth::client {

/// Answers are bounded by who gives them; this is against what is no worker and no gateway. In
/// bytes.
inline constexpr std::uint64_t kMaxAnswer = 64u << 20;
/// Letters of the ids that we make for sessions and activities.
inline constexpr std::size_t kIdLength = 20;

/// "/v1/namespaces/NS/pools/POOL".
inline std::string pool_path(std::string_view ns, std::string_view pool) {
  return "/v1/namespaces/" + http::percent_encode(ns) + "/pools/" + http::percent_encode(pool);
}

inline http::Request request_of(std::string method, std::string target, std::string_view token) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!token.empty()) {
    request.headers.add("Authorization", "Bearer " + std::string(token));
  }
  return request;
}

inline http::Request json_request(std::string method, std::string target, const Json& body,
                                  std::string_view token) {
  http::Request request = request_of(std::move(method), std::move(target), token);
  request.headers.add("Content-Type", "application/json");
  request.body = dump_json(body);
  return request;
}

}  // namespace berth::client
