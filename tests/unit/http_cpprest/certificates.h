#pragma once

#include <memory>
#include <string>

namespace berth::http {

/// A certificate and its key in PEM.
struct Certificate {
  std::string cert_pem;
  std::string key_pem;
};

/// A private certificate authority, made anew by each test.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name);
  ~CertificateAuthority();

  std::string pem() const;
  /// `alt_names`: as in openssl.cnf, "DNS:localhost,IP:127.0.0.1".
  Certificate issue(const std::string& common_name, const std::string& alt_names) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::http
