#pragma once

#include <memory>
#include <string>

#include "berth/auth/mounted_file.h"
#include "berth/http/server.h"
#include "berth/http/tls.h"
#include "berth/http/transport.h"
#include "berth/observe/metrics.h"

namespace berth::auth {

/// A server's certificate and key, in PEM. Both empty: plain HTTP.
struct TlsFiles {
  std::string certificate;  ///< The server's own first, then those between it and its root.
  std::string key;

  explicit operator bool() const { return !certificate.empty(); }
};
/// One goes with the other; the error's field is the setting that is missing.
Status check(const TlsFiles& files, const char* certificate_setting, const char* key_setting);

/// What a program serves https with: the identity of its files, followed as they change, with the
/// log lines and metrics that belong to it.
///
///     berth_tls_certificate_not_before_timestamp_seconds  when the certificate shown began to be
///     valid berth_tls_certificate_not_after_timestamp_seconds   when it expires
///     berth_tls_certificate_reloads_total{result}         loaded or refused
///     berth_tls_handshake_failures_total                  connections that ended before their
///     greeting
///
/// Must outlive the server.
class ServedCertificate final : public MountedFile {
 public:
  /// `name`: the DNS name by which callers will check the certificate; one that is for others only
  /// is refused like a pair that does not fit. Empty: not known here.
  ServedCertificate(EventLoop& loop, TlsFiles files, std::string name, Metrics& metrics,
                    const Log& log, Duration period = std::chrono::seconds(10));
  /// Makes a server serve https, with failed handshakes counted and a few of them logged.
  void apply(http::ServerOptions& options);

 private:
  Result<bool> load() override;
  Status read();
  void handshake_failed(const std::string& peer, const std::string& why);

  EventLoop& loop_;
  const TlsFiles files_;
  const std::string name_;
  http::ServerIdentity identity_;
  std::string chain_;  ///< What was read last, used or not.
  std::string key_;
  std::string refused_;  ///< Why that cannot be used; empty when it is.
  Gauge not_before_;
  Gauge not_after_;
  Counter loaded_;
  Counter rejected_;
  Counter failures_;
  TimePoint next_line_{};
  std::int64_t unsaid_ = 0;
};

/// The certificate authorities of a CA bundle, followed as the file changes.
class TrustedRootsFile final : public MountedFile {
 public:
  TrustedRootsFile(EventLoop& loop, std::filesystem::path path, const Log& log,
                   Duration period = std::chrono::seconds(10));
  std::shared_ptr<const http::TrustedRoots> roots() const { return roots_; }

 private:
  Result<bool> load() override;
  const std::shared_ptr<http::TrustedRoots> roots_ = std::make_shared<http::TrustedRoots>();
  std::string loaded_;
};

/// The way to servers whose https is proved by a CA bundle, followed as it changes; without one the
/// system's authorities count. Loop thread only.
class VerifiedTransport {
 public:
  /// `ca_file` empty: no bundle.
  static Result<std::unique_ptr<VerifiedTransport>> make(AsioLoop& loop, const std::string& ca_file,
                                                         http::BeastTransportSettings settings,
                                                         const Log& log);
  http::Transport& transport() { return *transport_; }

 private:
  VerifiedTransport() = default;
  std::unique_ptr<TrustedRootsFile> roots_;
  std::unique_ptr<http::Transport> transport_;
};

}  // namespace berth::auth
