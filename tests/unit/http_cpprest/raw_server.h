#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "berth/base/file.h"
#include "tests/fakes/certificates.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace berth::http {

using fakes::Certificate;
using fakes::CertificateAuthority;

struct ServerTls {
  Certificate certificate;
  std::string client_ca_pem;  ///< When set, clients without a certificate of this CA are refused.
};

/// One accepted connection, in the script's hands. Blocking, and every wait ends when the server is
/// stopped.
class Peer {
 public:
  Peer(UniqueFd fd, SSL* ssl) : fd_(std::move(fd)), ssl_(ssl) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Head and body (by Content-Length) of the next request; empty when the client closed.
  std::string read_request();
  void write(std::string_view bytes);
  /// Waits until the client closes.
  void wait_for_close();
  int fd() const { return fd_.get(); }

 private:
  std::string read_some();
  UniqueFd fd_;
  SSL* ssl_;
  std::string buffer_;
};

/// A server that sends exactly the bytes its script says, one connection after the other on a
/// thread of its own.
class RawServer {
 public:
  using Script = std::function<void(Peer&)>;
  explicit RawServer(Script script, std::optional<ServerTls> tls = std::nullopt);
  ~RawServer();

  std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:port", or https with the given host.
  std::string origin(const std::string& host = "127.0.0.1") const;
  int connections() const;

 private:
  void accept_all();
  void serve(UniqueFd fd);

  Script script_;
  std::uint16_t port_ = 0;
  UniqueFd listener_;
  SSL_CTX* tls_ = nullptr;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::set<int> open_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

/// The value of a header field of a request as it was read; empty when it has none.
std::string header(const std::string& request, const std::string& name);
std::string body(const std::string& request);

/// A port on which nobody listens.
std::uint16_t unused_port();

}  // namespace berth::http
