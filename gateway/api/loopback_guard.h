#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "berth/http/message.h"

namespace berth::gateway {

/// Keeps web pages away from a gateway that listens on loopback without TLS, where any page in the
/// user's browser can post to: the Host header must name loopback and our port (a page that rebinds
/// its DNS name has its own name there), and requests with an Origin header are refused, since none
/// of our callers sends one. But for the live page below /ui/: browsers send its own origin when
/// they load its modules.
class LoopbackGuard {
 public:
  /// The port that the server got. Before it is set, any port passes.
  void set_port(std::uint16_t port) { port_ = port; }
  /// The refusal, or nothing.
  std::optional<http::Response> check(const http::Request& request) const;

 private:
  std::optional<std::uint16_t> port_;
};

/// "localhost", "127.x.y.z" or "::1" (no brackets).
bool is_loopback_host(std::string_view host);

/// The host of "host:port" or "[v6]:port", without brackets.
std::string_view host_of(std::string_view authority);

}  // namespace berth::gateway
