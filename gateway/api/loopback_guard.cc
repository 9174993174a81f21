#include "gateway/api/loopback_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "berth/http/server.h"

namespace berth::gateway {
namespace {

http::Response refuse(std::string reason, std::string message) {
  return http::error_response(
      Error::make(ErrorCode::kPermissionDenied, std::move(reason), std::move(message)));
}

bool is_own_page(const http::Request& request, std::string_view host) {
  constexpr std::string_view kScheme = "http://";
  const std::string_view origin = request.headers.get("Origin");
  return request.path().starts_with("/ui/") && origin.starts_with(kScheme) &&
         origin.substr(kScheme.size()) == host;
}

std::string_view port_of(std::string_view authority) {
  const std::size_t end_of_host = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos ||
      (end_of_host != std::string_view::npos && colon < end_of_host)) {
    return {};
  }
  return authority.substr(colon + 1);
}

}  // namespace

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view{} : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_loopback_host(std::string_view host) {
  std::string lower(host);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  if (lower == "localhost") {
    return true;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, lower.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, lower.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::optional<http::Response> LoopbackGuard::check(const http::Request& request) const {
  const std::string_view host = request.headers.get("Host");
  if (request.headers.has("Origin") && !is_own_page(request, host)) {
    return refuse("WebOriginRefused", "requests from web pages are refused");
  }
  const std::string_view port = port_of(host);
  const bool our_port = port.empty() || !port_ || port == std::to_string(*port_);
  if (!is_loopback_host(host_of(host)) || !our_port) {
    return refuse("WrongHost",
                  "the Host header must be a loopback address of this gateway, such as 127.0.0.1");
  }
  return std::nullopt;
}

}  // namespace berth::gateway
