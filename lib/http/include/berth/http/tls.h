#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "berth/base/clock.h"
#include "berth/base/error.h"

struct ssl_ctx_st;

namespace berth::http {

/// The certificate and key that a server shows. Exchanged while it serves: new connections see the
/// new pair, open ones go on with theirs. PEM text, not paths: lib/auth follows files.
///
/// TLS 1.2 or later, OpenSSL's security level 2 (no RSA below 2048 bits, no SHA-1), ALPN http/1.1,
/// no renegotiation, and no resumption: a resumed connection would live on a certificate that is
/// not shown any more. Loop thread only.
class ServerIdentity {
 public:
  ServerIdentity();
  ~ServerIdentity();

  /// `chain_pem`: the certificate, then those between it and its root. `name`: the DNS name by
  /// which callers will check it; empty: not known here. On error (nothing usable in one of them, a
  /// key in need of a passphrase, a key of another certificate, a certificate for other names) what
  /// was shown stays.
  Status use(std::string_view chain_pem, std::string_view key_pem, const std::string& name = {});
  /// From when until when the certificate shown is valid. Only after a use().
  WallTime not_before() const { return not_before_; }
  WallTime not_after() const { return not_after_; }

 private:
  friend class TlsChannel;
  std::shared_ptr<ssl_ctx_st> context_;
  WallTime not_before_{};
  WallTime not_after_{};
};

/// Whose signature makes a server's certificate good. Loop thread only.
class TrustedRoots {
 public:
  /// Trusts nobody until use().
  TrustedRoots();
  ~TrustedRoots();
  /// Those that the system trusts.
  static Result<std::shared_ptr<TrustedRoots>> system();

  /// Only the certificates in `ca_pem` count from now on, for new connections. Each is trusted as
  /// it stands, an intermediate or a server's own one too. On error nothing changes.
  Status use(std::string_view ca_pem);

 private:
  friend class TlsChannel;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace berth::http
