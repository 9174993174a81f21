#include "lib/http/src/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <charconv>

namespace berth::http {

namespace asio = boost::asio;

namespace {

constexpr int kBacklog = 4096;  // The kernel cuts it to net.core.somaxconn.
constexpr int kPortAttempts = 8;

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> split_host_port(const std::string& address) {
  const auto bad = [&] {
    return fail(Error::invalid(
        "address", "\"" + address +
                       "\" is no listen address; expected host:port, with an IPv6 host in "
                       "brackets and port 0 for any"));
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) {
    return bad();
  }
  HostPort out;
  out.host = address.substr(0, colon);
  const char* end = address.data() + address.size();
  const auto [stop, ec] = std::from_chars(address.data() + colon + 1, end, out.port);
  if (ec != std::errc() || stop != end) {
    return bad();
  }
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  } else if (out.host.find(':') != std::string::npos) {
    return bad();
  }
  return out;
}

Result<std::vector<asio::ip::address>> resolve(const std::string& host) {
  boost::system::error_code ec;
  if (const auto literal = asio::ip::make_address(host, ec); !ec) {
    return std::vector{literal};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<asio::ip::address> out;
  for (const addrinfo* i = found; error == 0 && i; i = i->ai_next) {
    Tcp::endpoint endpoint;
    if (i->ai_addrlen <= endpoint.capacity()) {
      std::copy_n(reinterpret_cast<const char*>(i->ai_addr), i->ai_addrlen,
                  reinterpret_cast<char*>(endpoint.data()));
      if (std::find(out.begin(), out.end(), endpoint.address()) == out.end()) {
        out.push_back(endpoint.address());
      }
    }
  }
  if (out.empty()) {
    return fail(Error::invalid("address", "the host \"" + host + "\" to listen on is unknown: " +
                                              (error ? ::gai_strerror(error) : "no address")));
  }
  // IPv4 first: its address is the one shown.
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.is_v4() && !b.is_v4(); });
  return out;
}

Error listen_error(int err, const Tcp::endpoint& endpoint) {
  if (err == EADDRINUSE) {
    return Error::make(ErrorCode::kConflict, "AddressInUse",
                       "listening on " + to_text(endpoint) +
                           ": another program uses this port; stop it or choose another");
  }
  Error error = Error::from_errno(err, "listening on " + to_text(endpoint));
  if (err == EAFNOSUPPORT || err == EADDRNOTAVAIL) {
    error.reason = "NoAddress";
  }
  return error;
}

bool not_here(const Error& error) {
  return error.reason == "NoAddress";
}

using Listeners = std::vector<std::unique_ptr<Listener>>;

Result<Listeners> listen_all(asio::io_context& context, const std::vector<asio::ip::address>& hosts,
                             std::uint16_t port) {
  Listeners out;
  for (const auto& host : hosts) {
    auto listener = Listener::open(context, {host, port}, host.is_v6() && host.is_unspecified());
    if (listener) {
      port = (*listener)->local().port();
      out.push_back(std::move(*listener));
    } else if (hosts.size() == 1 || !not_here(listener.error())) {
      return fail(listener.error());
    }
  }
  if (out.empty()) {
    return fail(Error::make(ErrorCode::kUnavailable, "NoAddress",
                            "none of the addresses to listen on belongs to this machine"));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& context,
                                                 const Tcp::endpoint& endpoint, bool dual_stack) {
  const Tcp protocol = endpoint.protocol();
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return fail(listen_error(errno, endpoint));
  }
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (protocol == Tcp::v6()) {
    const int only = dual_stack ? 0 : 1;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (::bind(fd, static_cast<const sockaddr*>(endpoint.data()),
             static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const int err = errno;
    ::close(fd);
    return fail(listen_error(err, endpoint));
  }
  auto listener = std::unique_ptr<Listener>(new Listener(context, protocol));
  boost::system::error_code ec;
  listener->acceptor_.assign(protocol, fd, ec);
  if (ec) {
    ::close(fd);
    return fail(Error::from_errno(ec.value(), "listening on " + to_text(endpoint)));
  }
  return listener;
}

Stream::Io Listener::accept(int& fd, Tcp::endpoint& peer) {
  for (;;) {
    auto size = static_cast<socklen_t>(peer.capacity());
    fd = ::accept4(acceptor_.native_handle(), static_cast<sockaddr*>(peer.data()), &size,
                   SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      peer.resize(size);
      return Stream::Io::kDone;
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
      case EPERM:
        continue;
      case EAGAIN:
        return Stream::Io::kAgain;
      default:
        return Stream::Io::kError;
    }
  }
}

Tcp::endpoint Listener::local() const {
  boost::system::error_code ignored;
  return acceptor_.local_endpoint(ignored);
}

Result<std::vector<std::unique_ptr<Listener>>> listen_on(asio::io_context& context,
                                                         const std::string& address) {
  BERTH_ASSIGN(const HostPort where, split_host_port(address));
  if (where.host.empty() || where.host == "*") {
    auto both = listen_all(context, {asio::ip::address_v6::any()}, where.port);
    if (both || !not_here(both.error())) {
      return both;
    }
    return listen_all(context, {asio::ip::address_v4::any()}, where.port);
  }
  BERTH_ASSIGN(const auto hosts, resolve(where.host));
  auto out = listen_all(context, hosts, where.port);
  // A port that is free on one address may be taken on the next.
  for (int i = 0; where.port == 0 && !out && i < kPortAttempts; ++i) {
    out = listen_all(context, hosts, 0);
  }
  return out;
}

}  // namespace berth::http
