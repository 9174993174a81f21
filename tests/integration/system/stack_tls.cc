#include <stdexcept>

#include "berth/base/base64.h"
#include "berth/base/file.h"
#include "tests/integration/system/stack.h"

namespace berth::system_test {

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  if (const Status s = write_file_atomic(path, text); !s) {
    throw std::runtime_error(s.error().text());
  }
}

Json data_of(const fakes::Certificate& pair) {
  return {{"tls.crt", base64_encode(pair.cert_pem)}, {"tls.key", base64_encode(pair.key_pem)}};
}

}  // namespace

void Stack::use_tls() {
  authority_.emplace("berth test CA");
  auto roots = std::make_shared<http::TrustedRoots>();
  if (const Status s = roots->use(authority_->pem()); !s) {
    throw std::runtime_error(s.error().text());
  }
  on_loop([&] {
    http::BeastTransportSettings settings;
    settings.roots = std::move(roots);
    transport_ = http::make_beast_transport(loop_, std::move(settings));
  });
  write(ca_file(), authority_->pem());
  add_worker_secret(kWorkerSecret);
  write_gateway_pair();
}

void Stack::add_worker_secret(const std::string& name) {
  create("secrets", "default",
         {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "kubernetes.io/tls"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"data", data_of(authority_->issue("workers", "DNS:workers.default.berth"))}});
}

void Stack::rotate_certificates() {
  const auto pair = authority_->issue("workers", "DNS:workers.default.berth");
  worker_certificate_ = pair.cert_pem;
  patch("secrets", "default", kWorkerSecret, {{"data", data_of(pair)}});
  write_gateway_pair();
}

// Key first, and the certificate after it: for a moment they do not fit.
void Stack::write_gateway_pair() {
  const auto pair = authority_->issue("gateway", "DNS:localhost,IP:127.0.0.1");
  write(dir_ / "tls.key", pair.key_pem);
  write(dir_ / "tls.crt", pair.cert_pem);
}

}  // namespace berth::system_test
