#include "tests/unit/http_cpprest/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace berth::http {
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

X509Ptr make_certificate(const std::string& name, EVP_PKEY* key, long serial) {
  X509Ptr cert(X509_new(), X509_free);
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(cert.get(), key);
  return cert;
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
  X509* cert = impl_->cert.get();
  X509_set_issuer_name(cert, X509_get_subject_name(cert));
  add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert, cert, NID_key_usage, "critical,keyCertSign");
  X509_sign(cert, impl_->key.get(), EVP_sha256());
}
CertificateAuthority::~CertificateAuthority() = default;

std::string CertificateAuthority::pem() const {
  return to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, impl_->cert.get()); });
}

Certificate CertificateAuthority::issue(const std::string& common_name,
                                        const std::string& alt_names) const {
  const Key key = make_key();
  const X509Ptr cert = make_certificate(common_name, key.get(), ++impl_->serial);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(impl_->cert.get()));
  add_extension(cert.get(), impl_->cert.get(), NID_subject_alt_name, alt_names);
  X509_sign(cert.get(), impl_->key.get(), EVP_sha256());
  return {to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, cert.get()); }), to_pem([&](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace berth::http
