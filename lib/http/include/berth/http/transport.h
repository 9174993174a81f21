#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"
#include "berth/http/tls.h"

namespace berth::http {

/// How long a call may take, and how much it may bring.
struct CallOptions {
  /// From send() to the end of the response head, and for a buffered body to its end. Always set.
  Duration deadline = std::chrono::seconds(10);
  /// For a streamed body: the longest silence between two chunks. Zero: no limit.
  Duration idle_timeout{0};
  /// A larger buffered body is an error (kResourceExhausted).
  std::uint64_t max_body = 4u << 20;
  /// Hand the body over as `Response::body_source` as soon as the head is there, instead of
  /// buffering it.
  bool stream = false;
  /// https with the Beast transport: the name that the server's certificate must be for. Empty: the
  /// transport's, else the origin's host.
  std::string server_name{};
};

/// Sends HTTP requests. The seam at which tests put scripted answers (tests/fakes/fake_transport.h)
/// and behind which two implementations live: Beast for workers and gateways, cpprestsdk for the
/// Kubernetes API.
///
/// Errors: kUnavailable "ConnectFailed" - the request never left, repeating it is safe.
/// kUnavailable "ConnectionLost" - it may or may not have been carried out. kDeadlineExceeded. Any
/// HTTP status is a Response, not an error. Redirects are not followed.
///
/// A request on a kept-alive connection that turns out closed before any byte of an answer came is
/// sent once more on a new connection if its method is GET or HEAD or `Request::body` is empty and
/// the method is DELETE; else the caller gets "ConnectionLost" and decides.
class Transport {
 public:
  using DoneFn = std::function<void(Result<Response>)>;
  virtual ~Transport() = default;

  /// `origin` is "http://host:port" (or https, where the implementation speaks it). `done` runs
  /// exactly once on the loop, never inside send(); not at all after the handle is destroyed, which
  /// aborts the call. Once `done` ran the handle means nothing: a streamed body is stopped by
  /// letting its source go. Destroying the transport aborts all calls without `done`, and streams
  /// end with kCancelled.
  virtual Cancel send(const std::string& origin, Request request, const CallOptions& options,
                      DoneFn done) = 0;
};

struct BeastTransportSettings {
  std::size_t max_idle_per_origin = 16;
  Duration idle_timeout = std::chrono::seconds(30);  ///< Below our servers' own, which is 75 s.
  std::string user_agent = "berth";
  /// Who may vouch for a server of https. Null: whom the system trusts.
  std::shared_ptr<const TrustedRoots> roots = nullptr;
  std::string server_name{};  ///< For calls that give none; see CallOptions.
};

/// HTTP/1.1 with and without TLS over Boost.Beast, keep-alive pool per origin and server name, IPv4
/// and IPv6. A server that cannot prove its name is "ConnectFailed", with the reason in words. Loop
/// thread only.
std::unique_ptr<Transport> make_beast_transport(AsioLoop& loop,
                                                BeastTransportSettings settings = {});

}  // namespace berth::http
