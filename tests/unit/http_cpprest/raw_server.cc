#include "tests/unit/http_cpprest/raw_server.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace berth::http {
namespace {

UniqueFd listen_on_loopback(std::uint16_t& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), 16) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port = ntohs(address.sin_port);
  return fd;
}

SSL_CTX* make_context(const ServerTls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const auto with_bio = [](const std::string& pem, const auto& use) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    use(bio);
    BIO_free(bio);
  };
  with_bio(tls.certificate.cert_pem, [&](BIO* bio) {
    X509* cert = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, cert);
    X509_free(cert);
  });
  with_bio(tls.certificate.key_pem, [&](BIO* bio) {
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
  });
  if (!tls.client_ca_pem.empty()) {
    with_bio(tls.client_ca_pem, [&](BIO* bio) {
      X509* ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
      X509_free(ca);
    });
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // So that a refused client learns it in the handshake, not in its first read.
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  }
  return context;
}

}  // namespace

Peer::~Peer() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
}

std::string Peer::read_some() {
  std::array<char, 16384> bytes{};
  const auto n = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                 : static_cast<int>(::read(fd_.get(), bytes.data(), bytes.size()));
  return n > 0 ? std::string(bytes.data(), static_cast<std::size_t>(n)) : std::string();
}

std::string Peer::read_request() {
  for (;;) {
    const auto head_end = buffer_.find("\r\n\r\n");
    if (head_end != std::string::npos) {
      const auto whole =
          head_end + 4 + std::strtoul(header(buffer_, "Content-Length").c_str(), nullptr, 10);
      if (buffer_.size() >= whole) {
        std::string request = buffer_.substr(0, whole);
        buffer_.erase(0, whole);
        return request;
      }
    }
    const std::string more = read_some();
    if (more.empty()) {
      return {};
    }
    buffer_ += more;
  }
}

void Peer::write(std::string_view bytes) {
  if (ssl_ != nullptr) {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    return;
  }
  while (!bytes.empty()) {
    const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Peer::wait_for_close() {
  while (!read_some().empty()) {
  }
}

RawServer::RawServer(Script script, std::optional<ServerTls> tls)
    : script_(std::move(script)), listener_(listen_on_loopback(port_)) {
  if (tls) {
    tls_ = make_context(*tls);
  }
  acceptor_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    for (const int fd : open_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (std::thread& connection : connections_) {
    connection.join();
  }
  SSL_CTX_free(tls_);
}

std::string RawServer::origin(const std::string& host) const {
  return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port_);
}

int RawServer::connections() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(connections_.size());
}

void RawServer::accept_all() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::lock_guard lock(mutex_);
    if (!fd || stopping_) {
      return;
    }
    open_.insert(fd.get());
    connections_.emplace_back([this, raw = fd.release()] { serve(UniqueFd(raw)); });
  }
}

void RawServer::serve(UniqueFd fd) {
  const int raw = fd.get();
  SSL* ssl = nullptr;
  bool ready = true;
  if (tls_ != nullptr) {
    ssl = SSL_new(tls_);
    SSL_set_fd(ssl, raw);
    ready = SSL_accept(ssl) == 1;
  }
  std::optional<Peer> peer(std::in_place, std::move(fd), ssl);
  if (ready) {
    script_(*peer);
  }
  const std::lock_guard lock(mutex_);
  open_.erase(raw);
  peer.reset();
}

std::string header(const std::string& request, const std::string& name) {
  const auto at = request.substr(0, request.find("\r\n\r\n") + 2).find("\r\n" + name + ":");
  if (at == std::string::npos) {
    return {};
  }
  const auto begin = request.find_first_not_of(' ', at + 2 + name.size() + 1);
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string body(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

std::uint16_t unused_port() {
  std::uint16_t port = 0;
  const UniqueFd fd = listen_on_loopback(port);
  return port;
}

}  // namespace berth::http
