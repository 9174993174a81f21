#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <span>
#include <string>

#include "lib/http/src/tls_channel.h"
#include "lib/http/src/wire.h"

namespace berth::http {

using Tcp = boost::asio::ip::tcp;
using Executor = boost::asio::io_context::executor_type;

/// "10.1.2.3:5555" or "[fd00::1]:5555"; IPv4 in IPv6 clothes is shown as IPv4.
std::string to_text(const Tcp::endpoint& endpoint);

/// A connected TCP socket, with or without TLS, that never blocks: wait until it is ready, then
/// read or write what it takes. So nothing is allocated while a connection waits, and one buffer
/// per loop serves all reads. Closes on exec.
class Stream {
 public:
  using Socket = boost::asio::basic_stream_socket<Tcp, Executor>;
  using Io = http::Io;

  explicit Stream(boost::asio::io_context& context) : socket_(context) {}

  /// Takes over a non-blocking descriptor.
  void assign(const Tcp& protocol, int fd);
  /// Creates the socket for connecting; false when the system refuses (no descriptors left).
  bool open(const Tcp& protocol);
  /// No Nagle; a peer that vanished without a word is noticed within a minute.
  void set_options();

  /// From now on everything goes through TLS, beginning with handshake().
  void start_tls(const ServerIdentity& identity);
  void start_tls(const TrustedRoots& roots, const std::string& name);
  /// kAgain: wait_read() and ask again.
  Io handshake() { return tls_->handshake(); }
  /// Why handshake() gave kError.
  const std::string& tls_trouble() const { return tls_->trouble(); }
  /// Plain again, for a word to a peer that does not speak TLS. Only before the handshake.
  void stop_tls() { tls_.reset(); }
  /// The next byte from the peer, left where it is. kAgain: none has come.
  Io peek(char& byte);

  /// `into` holds at least kTlsRecord bytes.
  Io read(std::span<char> into, std::size_t& n);
  /// kDone when all of `out` has gone.
  Io write(Outgoing& out);
  /// Whether the idle connection still is what it was: open, and nothing unexpected to read.
  bool quiet();

  template <class Fn>
  void wait_read(Fn fn) {
    const bool turned = tls_ && tls_->read_wants_write();
    socket_.async_wait(turned ? Socket::wait_write : Socket::wait_read, std::move(fn));
  }
  template <class Fn>
  void wait_write(Fn fn) {
    const bool turned = tls_ && tls_->write_wants_read();
    socket_.async_wait(turned ? Socket::wait_read : Socket::wait_write, std::move(fn));
  }
  Socket& socket() { return socket_; }

  void shut_down_send();
  /// Pending waits end with an error. `abort`: with a reset, so the peer cannot take what came for
  /// a clean end.
  void close(bool abort = false);

 private:
  Socket socket_;
  std::unique_ptr<TlsChannel> tls_;  ///< Null: plain.
};

}  // namespace berth::http
