#include "lib/http/src/tls_channel.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cerrno>

#include "lib/http/src/certificate.h"

namespace berth::http {

// OpenSSL's own socket BIO would raise SIGPIPE.
struct TlsChannel::SocketBio {
  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    for (;;) {
      const ssize_t got = ::recv(fd(bio), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
      if (got >= 0 || errno != EINTR) {
        return finish(bio, got, BIO_FLAGS_READ);
      }
    }
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    for (;;) {
      const ssize_t sent =
          ::send(fd(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0 || errno != EINTR) {
        return finish(bio, sent, BIO_FLAGS_WRITE);
      }
    }
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    struct FreeMethod {
      void operator()(BIO_METHOD* m) const { BIO_meth_free(m); }
    };
    static const std::unique_ptr<BIO_METHOD, FreeMethod> made = [] {
      std::unique_ptr<BIO_METHOD, FreeMethod> m(
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "berth socket"));
      BIO_meth_set_read(m.get(), &read);
      BIO_meth_set_write(m.get(), &write);
      BIO_meth_set_ctrl(m.get(), &control);
      return m;
    }();
    return made.get();
  }

 private:
  static int fd(BIO* bio) { return static_cast<TlsChannel*>(BIO_get_data(bio))->fd_; }

  static int finish(BIO* bio, ssize_t moved, int direction) {
    if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
    }
    return static_cast<int>(moved);
  }
};

namespace {

// What is wrong with the certificate, in words that tell what to do.
std::string describe(int error, X509* certificate, const std::string& name) {
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for " + name + " (it is for " + names_of(certificate) + ")";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate expired at " +
             format_rfc3339(wall_time(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid before " +
             format_rfc3339(wall_time(X509_get0_notBefore(certificate)));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return std::string(
                 "its certificate is not signed by a certificate authority that is trusted here "
                 "(") +
             X509_verify_cert_error_string(error) + ")";
    default:
      return std::string("its certificate is refused: ") + X509_verify_cert_error_string(error);
  }
}

std::string reason_of_failure() {
  const unsigned long code = ERR_peek_last_error();
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return "the other side does not speak TLS";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "the other side closed the connection";
    default: {
      const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
      return text != nullptr ? text : "the connection was cut";
    }
  }
}

}  // namespace

TlsChannel::~TlsChannel() = default;

bool TlsChannel::open(SSL_CTX* context) {
  ERR_clear_error();
  if (context != nullptr) {
    ssl_.reset(SSL_new(context));
  }
  BIO* const bio = ssl_ ? BIO_new(SocketBio::method()) : nullptr;
  if (bio == nullptr) {
    ssl_.reset();
    broken_ = true;
    return false;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  return true;
}

std::unique_ptr<TlsChannel> TlsChannel::accept(const ServerIdentity& identity, int fd) {
  std::unique_ptr<TlsChannel> out(new TlsChannel(fd));
  if (out->open(identity.context_.get())) {
    SSL_set_accept_state(out->ssl_.get());
  } else {
    out->trouble_ = "there is no certificate to show";
  }
  return out;
}

std::unique_ptr<TlsChannel> TlsChannel::connect(const TrustedRoots& roots, int fd,
                                                const std::string& name) {
  std::unique_ptr<TlsChannel> out(new TlsChannel(fd));
  out->name_ = name;
  if (!out->open(roots.context_.get())) {
    out->trouble_ = "no certificate authority is trusted here";
    return out;
  }
  SSL* const ssl = out->ssl_.get();
  SSL_set_connect_state(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, &TlsChannel::on_verified);
  boost::system::error_code not_literal;
  boost::asio::ip::make_address(name, not_literal);
  const bool named = not_literal
                         ? SSL_set1_host(ssl, name.c_str()) == 1 &&
                               SSL_set_tlsext_host_name(ssl, name.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  if (!named) {
    out->broken_ = true;
    out->trouble_ = "\"" + name + "\" is no name that a certificate could be for";
  }
  return out;
}

int TlsChannel::on_verified(int ok, X509_STORE_CTX* context) {
  if (ok != 1) {
    const auto* ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const self = static_cast<TlsChannel*>(SSL_get_app_data(ssl));
    X509* const at = X509_STORE_CTX_get_current_cert(context);
    self->trouble_ = describe(X509_STORE_CTX_get_error(context),
                              at != nullptr ? at : X509_STORE_CTX_get0_cert(context), self->name_);
  }
  return ok;
}

Io TlsChannel::outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kEnd;
    default:
      broken_ = true;
      return Io::kError;
  }
}

Io TlsChannel::handshake() {
  if (broken_) {
    return Io::kError;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    read_wants_write_ = false;
    return Io::kDone;
  }
  Io io = outcome(result);
  read_wants_write_ = SSL_want_write(ssl_.get()) != 0;
  if (io == Io::kEnd) {
    broken_ = true;
    io = Io::kError;
  }
  if (io == Io::kError && trouble_.empty()) {
    trouble_ = reason_of_failure();
  }
  ERR_clear_error();
  return io;
}

Io TlsChannel::read(std::span<char> into, std::size_t& n) {
  n = 0;
  if (broken_) {
    return Io::kError;
  }
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &n);
  if (result == 1) {
    read_wants_write_ = false;
    return Io::kDone;
  }
  const Io io = outcome(result);
  read_wants_write_ = SSL_want_write(ssl_.get()) != 0;
  ERR_clear_error();
  return io;
}

Io TlsChannel::write(Outgoing& out) {
  write_wants_read_ = false;
  std::array<char, kTlsRecord> record;
  while (!out.empty()) {
    if (broken_) {
      return Io::kError;
    }
    // Gathered, so that a chunk and the few bytes around it make one record. What was not taken
    // is offered again with the same bytes, as OpenSSL demands.
    const std::size_t size = boost::asio::buffer_copy(boost::asio::buffer(record), out.buffers());
    std::size_t sent = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), record.data(), size, &sent);
    if (result != 1) {
      const Io io = outcome(result);
      write_wants_read_ = SSL_want_read(ssl_.get()) != 0;
      ERR_clear_error();
      return io == Io::kEnd ? Io::kError : io;
    }
    out.consume(sent);
  }
  return Io::kDone;
}

void TlsChannel::say_goodbye() {
  if (!broken_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

}  // namespace berth::http
