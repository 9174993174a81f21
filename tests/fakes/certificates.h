#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace berth::fakes {

/// A certificate and its key in PEM.
struct Certificate {
  std::string cert_pem;
  std::string key_pem;
};

/// A private certificate authority, made anew by each test.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name);
  CertificateAuthority(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  std::string pem() const;
  /// `alt_names`: as in openssl.cnf, "DNS:localhost,IP:127.0.0.1". `valid_for`: from now on, or
  /// since when not any more.
  Certificate issue(const std::string& common_name, const std::string& alt_names,
                    std::chrono::seconds valid_for = std::chrono::hours(1)) const;
  /// An authority that this one vouches for.
  CertificateAuthority intermediate(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::fakes
