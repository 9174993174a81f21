#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>

#include "berth/http/tls.h"
#include "lib/http/src/wire.h"

namespace berth::http {

/// Room that a TlsChannel's read must be given: the longest record. So no received byte ever waits
/// inside, and the socket alone tells whether there is something to read.
inline constexpr std::size_t kTlsRecord = SSL3_RT_MAX_PLAIN_LENGTH;

/// TLS on a non-blocking socket that stays its owner's. The same manners as a plain Stream: after
/// kAgain wait, then ask again; see *_wants_*() for what to wait for.
class TlsChannel {
 public:
  /// The side that shows `identity`.
  static std::unique_ptr<TlsChannel> accept(const ServerIdentity& identity, int fd);
  /// The side that checks the other's certificate against `roots` and `name`, a host name or an
  /// address.
  static std::unique_ptr<TlsChannel> connect(const TrustedRoots& roots, int fd,
                                             const std::string& name);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// Before anything else, until it is not kAgain.
  Io handshake();
  /// After a handshake() of kError: what is wrong, for people.
  const std::string& trouble() const { return trouble_; }

  /// kEnd only if the peer said goodbye: an end without it may have been forged.
  Io read(std::span<char> into, std::size_t& n);
  Io write(Outgoing& out);
  /// Tells the peer, if its socket takes it now, that nothing more will come.
  void say_goodbye();

  bool read_wants_write() const { return read_wants_write_; }
  bool write_wants_read() const { return write_wants_read_; }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct SocketBio;

  explicit TlsChannel(int fd) : fd_(fd) {}
  bool open(SSL_CTX* context);
  /// Of a call that did not succeed.
  Io outcome(int result);
  static int on_verified(int ok, X509_STORE_CTX* context);

  const int fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string name_;
  std::string trouble_;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
  bool broken_ = false;  ///< OpenSSL forbids any further call.
};

}  // namespace berth::http
