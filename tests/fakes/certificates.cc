#include "tests/fakes/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace berth::fakes {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

Key make_key() {
  return Key(EVP_EC_gen("P-256"), EVP_PKEY_free);
}

template <class Write>
std::string to_pem(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr make_certificate(const std::string& name, EVP_PKEY* key, long serial,
                         std::chrono::seconds valid_for = std::chrono::hours(1)) {
  X509Ptr cert(X509_new(), X509_free);
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), valid_for.count());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(cert.get(), key);
  return cert;
}

void make_authority(X509* cert, X509* issuer, EVP_PKEY* issuer_key) {
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  add_extension(cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign");
  X509_sign(cert, issuer_key, EVP_sha256());
}

}  // namespace

struct CertificateAuthority::Impl {
  Key key = make_key();
  X509Ptr cert{nullptr, X509_free};
  long serial = 1;
};

CertificateAuthority::CertificateAuthority(const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  impl_->cert = make_certificate(name, impl_->key.get(), impl_->serial);
  make_authority(impl_->cert.get(), impl_->cert.get(), impl_->key.get());
}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

std::string CertificateAuthority::pem() const {
  return to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, impl_->cert.get()); });
}

CertificateAuthority CertificateAuthority::intermediate(const std::string& name) const {
  CertificateAuthority out(name);
  out.impl_->cert = make_certificate(name, out.impl_->key.get(), ++impl_->serial);
  make_authority(out.impl_->cert.get(), impl_->cert.get(), impl_->key.get());
  return out;
}

Certificate CertificateAuthority::issue(const std::string& common_name,
                                        const std::string& alt_names,
                                        std::chrono::seconds valid_for) const {
  const Key key = make_key();
  const X509Ptr cert = make_certificate(common_name, key.get(), ++impl_->serial, valid_for);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(impl_->cert.get()));
  add_extension(cert.get(), impl_->cert.get(), NID_subject_alt_name, alt_names);
  X509_sign(cert.get(), impl_->key.get(), EVP_sha256());
  return {to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, cert.get()); }), to_pem([&](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace berth::fakes
