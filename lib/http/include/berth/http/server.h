#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"
#include "berth/http/tls.h"

namespace berth::http {

/// One request being answered. Handlers get it by shared_ptr and may keep it as long as they like
/// (a long poll, a stream): the answer is given when reply() is called. Loop thread only.
///
/// If the last reference goes away unanswered the client gets 500, so nobody waits for ever on a
/// lost callback.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Head and, for buffered routes, the whole body. Valid as long as the exchange.
  virtual const Request& request() const = 0;
  /// Segments that the route's `{name}` parts matched, decoded: param("id").
  virtual const std::string& param(std::string_view name) const = 0;
  /// The peer's address, "10.1.2.3:5555".
  virtual const std::string& peer() const = 0;

  /// Answers. The second call is ignored. If the client has gone it does nothing.
  virtual void reply(Response response) = 0;
  virtual bool answered() const = 0;

  /// Cuts the connection (RST) instead of answering. For servers that play a broken one in tests.
  virtual void abort() = 0;

  /// `fn` runs once when the client goes away before the answer has been written whole. That is
  /// noticed while the handler holds the exchange too (the server keeps reading), which is how a
  /// gateway knows that a waiting caller has left. Replaces an earlier one; dropped with the
  /// answer. A client that only shut down its sending side looks the same: it counts as gone where
  /// such an `fn` is set or a streamed answer is under way, else it is still answered. Not noticed
  /// while a streamed request body is neither pulled nor at its end.
  virtual void on_client_gone(std::function<void()> fn) = 0;

  /// Calls reply with the JSON error body of docs/openapi.yaml and the status that fits the code.
  void reply(const Error& error);
  void reply_json(int status, std::string json_body) {
    reply(Response::json(status, std::move(json_body)));
  }
};

/// {"code": "NoFreeSlot", "message": "...", "field": "...", "retryAfterSeconds": 1.5}
Response error_response(const Error& error);
/// The inverse, for callers: status and body of an answer >= 400 as an Error. Never fails; a body
/// that is not ours gives a message with the status and the first 200 bytes.
Error error_from_response(const Response& response);
int http_status(ErrorCode code);
/// kUnauthenticated for 401, kUnavailable for 502/503/504, and so on.
ErrorCode code_from_status(int status);

using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

/// What a route takes as body.
struct BodyRule {
  std::uint64_t max_bytes = 1u << 20;  ///< Larger: 413, and the connection closes.
  bool stream = false;  ///< The handler runs at the head and pulls Request::body_source (still at
                        ///< most max_bytes).
};

/// Method and path to handler. Patterns are literal segments and `{name}`; a last segment
/// `{name...}` takes the rest of the path, slashes included. 404 when nothing matches, 405 with
/// Allow when only the method does not. HEAD is answered by the GET handler without the body.
class Router {
 public:
  void add(std::string method, std::string_view pattern, Handler handler, BodyRule body = {});

  struct Match {
    const Handler* handler = nullptr;
    BodyRule body;
    std::vector<std::pair<std::string, std::string>> params;
    int status = 404;  ///< When handler is null: 404, 405 or 400 (bad escape).
    std::string allow;
  };
  Match match(std::string_view method, std::string_view target) const;

  /// The pattern that would serve this, for metrics and logs; "" if none.
  std::string_view pattern_of(std::string_view method, std::string_view target) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    Handler handler;
    BodyRule body;
  };
  std::vector<Route> routes_;
};

/// Bounds on everything a stranger can make the server hold. What exceeds one is answered (408,
/// 413, 431, 503) or cut.
struct ServerLimits {
  /// Beyond it the oldest idle connection is closed, else the new one. At most half of the files
  /// that the process may open when the server starts: answering takes some too.
  std::size_t max_connections = 10'000;
  std::uint64_t max_header_bytes = 16u << 10;
  /// First byte of a request to the end of its head; and for the handshake of a TLS connection.
  Duration header_timeout = std::chrono::seconds(10);
  Duration body_idle_timeout = std::chrono::seconds(30);  ///< Between two reads of a body.
  Duration write_idle_timeout =
      std::chrono::seconds(30);  ///< A client that does not read its answer.
  Duration keep_alive_timeout = std::chrono::seconds(75);  ///< Between two requests.
};

/// HTTP/1.1 server over Boost.Beast on one loop. Pipelined requests are answered in order.
class Server {
 public:
  virtual ~Server() = default;  ///< Closes everything at once.

  /// "127.0.0.1:7070", "[::]:7070"; with the real port when 0 was asked for.
  virtual const std::string& address() const = 0;
  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;

  /// Stops accepting, closes idle connections, lets answers in progress finish (each then closes
  /// its connection), cuts what is left after `grace`, then calls `done`. Once.
  virtual void drain(Duration grace, std::function<void()> done) = 0;
};

/// `address`: "host:port", port 0 for any, host empty or "*" for all interfaces, IPv6 in brackets.
/// A port in use is kConflict with a message that names the address. The router must outlive the
/// server. `filter`, when given, sees every request first and may answer it (by returning a
/// Response): Host and Origin checks.
struct ServerOptions {
  std::string address;
  ServerLimits limits;
  std::function<std::optional<Response>(const Request&, const std::string& peer)> filter;
  /// Serve https, and only https, with this; it must outlive the server. A request in plain HTTP is
  /// answered 400 "TlsRequired".
  const ServerIdentity* tls = nullptr;
  /// A connection ended before its TLS handshake did. For log and metric; a stranger can cause any
  /// number of these.
  std::function<void(const std::string& peer, const std::string& why)> on_handshake_failed = {};
};
Result<std::unique_ptr<Server>> serve(AsioLoop& loop, const Router& router, ServerOptions options);

}  // namespace berth::http
