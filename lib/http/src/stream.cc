#include "lib/http/src/stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace berth::http {

namespace {

bool would_block(int err) {
  return err == EAGAIN || err == EWOULDBLOCK;
}

void set_int(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

std::string to_text(const Tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  const std::string port = ":" + std::to_string(endpoint.port());
  if (address.is_v4()) {
    return address.to_string() + port;
  }
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) {
    const auto v4 = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6);
    return v4.to_string() + port;
  }
  return "[" + v6.to_string() + "]" + port;
}

void Stream::assign(const Tcp& protocol, int fd) {
  boost::system::error_code ec;
  socket_.assign(protocol, fd, ec);
  if (ec) {
    ::close(fd);
  }
}

bool Stream::open(const Tcp& protocol) {
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return false;
  }
  assign(protocol, fd);
  return socket_.is_open();
}

void Stream::set_options() {
  const int fd = socket_.native_handle();
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 20);
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void Stream::start_tls(const ServerIdentity& identity) {
  tls_ = TlsChannel::accept(identity, socket_.native_handle());
}

void Stream::start_tls(const TrustedRoots& roots, const std::string& name) {
  tls_ = TlsChannel::connect(roots, socket_.native_handle(), name);
}

Stream::Io Stream::peek(char& byte) {
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) {
    return would_block(errno) || errno == EINTR ? Io::kAgain : Io::kError;
  }
  return got == 0 ? Io::kEnd : Io::kDone;
}

Stream::Io Stream::read(std::span<char> into, std::size_t& n) {
  if (tls_) {
    return tls_->read(into, n);
  }
  for (;;) {
    const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      n = static_cast<std::size_t>(got);
      return Io::kDone;
    }
    if (got == 0) {
      return Io::kEnd;
    }
    if (errno != EINTR) {
      return would_block(errno) ? Io::kAgain : Io::kError;
    }
  }
}

Stream::Io Stream::write(Outgoing& out) {
  if (tls_) {
    return tls_->write(out);
  }
  while (!out.empty()) {
    std::array<iovec, 3> pieces;
    msghdr message{};
    message.msg_iov = pieces.data();
    for (const auto& buffer : out.buffers()) {
      if (buffer.size() > 0) {
        pieces[message.msg_iovlen++] = {const_cast<void*>(buffer.data()), buffer.size()};
      }
    }
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      out.consume(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      return would_block(errno) ? Io::kAgain : Io::kError;
    }
  }
  return Io::kDone;
}

bool Stream::quiet() {
  char byte = 0;
  return peek(byte) == Io::kAgain;
}

void Stream::shut_down_send() {
  if (tls_) {
    tls_->say_goodbye();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close(bool abort) {
  if (!socket_.is_open()) {
    return;
  }
  boost::system::error_code ignored;
  if (abort) {
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  } else if (tls_) {
    tls_->say_goodbye();
  }
  socket_.close(ignored);
}

}  // namespace berth::http
