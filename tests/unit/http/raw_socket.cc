#include "tests/unit/http/raw_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace berth::http::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void need(bool ok, const char* what) {
  if (!ok) {
    throw std::runtime_error(std::string(what) + " failed, errno " + std::to_string(errno));
  }
}

void no_blocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

RawClient::RawClient(std::uint16_t port, int receive_buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  need(fd_ >= 0, "socket");
  if (receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const sockaddr_in address = loopback(port);
  need(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  no_blocking(fd_);
}

RawClient::RawClient(int connected_fd) : fd_(connected_fd) {
  no_blocking(fd_);
}
RawClient::~RawClient() {
  close();
}
RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)),
      closed_(other.closed_),
      reset_(other.reset_) {}

std::size_t RawClient::send(std::string_view bytes) {
  const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

void RawClient::poll(std::size_t most) {
  std::array<char, 16384> buffer;
  while (most > 0 && !closed_) {
    const ssize_t n = ::recv(fd_, buffer.data(), std::min(buffer.size(), most), 0);
    if (n > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(n));
      most -= static_cast<std::size_t>(n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      closed_ = true;
      reset_ = n < 0;
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

int RawClient::count(std::string_view text) const {
  int n = 0;
  for (auto at = received_.find(text); at != std::string::npos;
       at = received_.find(text, at + text.size())) {
    ++n;
  }
  return n;
}

void RawClient::shut_down_send() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::close() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

void RawClient::abort() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool RawClient::vanish() {
  const int silent = 1;
  if (::setsockopt(fd_, IPPROTO_TCP, TCP_REPAIR, &silent, sizeof silent) != 0) {
    return false;
  }
  close();
  return true;
}

std::uint16_t RawClient::local_port() const {
  sockaddr_in local{};
  socklen_t size = sizeof local;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &size);
  return ntohs(local.sin_port);
}

RawServer::RawServer() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  need(fd_ >= 0, "socket");
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  need(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0, "bind");
  need(::listen(fd_, 16) == 0, "listen");
  need(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
}

RawServer::~RawServer() {
  close();
}

int RawServer::accept() {
  return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
}

void RawServer::close() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

}  // namespace berth::http::test
