#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "lib/http/src/stream.h"

namespace berth::http {

/// A bound, listening, non-blocking socket.
class Listener {
 public:
  using Acceptor = boost::asio::basic_socket_acceptor<Tcp, Executor>;
  /// kDone with a descriptor; kAgain: nobody waits; kError: try again later (no descriptors or
  /// memory left).
  Stream::Io accept(int& fd, Tcp::endpoint& peer);

  static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& context,
                                                const Tcp::endpoint& endpoint, bool dual_stack);

  const Tcp& protocol() const { return protocol_; }
  Tcp::endpoint local() const;
  Acceptor& acceptor() { return acceptor_; }

 private:
  Listener(boost::asio::io_context& context, const Tcp& protocol)
      : acceptor_(context), protocol_(protocol) {}

  Acceptor acceptor_;
  Tcp protocol_;
};

/// All listeners that "host:port" stands for: one for an address or "all interfaces" (IPv6 and IPv4
/// in one), one per address for a name. The first one's port is everyone's when port 0 was asked
/// for.
Result<std::vector<std::unique_ptr<Listener>>> listen_on(boost::asio::io_context& context,
                                                         const std::string& address);

}  // namespace berth::http
