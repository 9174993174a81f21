#include "berth/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <climits>
#include <vector>

#include "lib/http/src/certificate.h"

namespace berth::http {

namespace {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using ContextPtr = std::shared_ptr<SSL_CTX>;

constexpr std::string_view kProtocol = "\x08http/1.1";
constexpr int kSecurityLevel = 2;

// Empties OpenSSL's queue of this thread, so that the next one to ask is not told of this.
std::string take_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return text != nullptr ? text : "no reason given";
}

Error unusable(const char* field, const std::string& what) {
  return Error::invalid(field, what);
}

Result<ContextPtr> make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(method), [](SSL_CTX* c) { SSL_CTX_free(c); });
  if (!context) {
    return fail(Error::internal("TLS: " + take_reason()));
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

Result<std::vector<CertificatePtr>> read_certificates(const char* field, std::string_view pem) {
  ERR_clear_error();
  std::vector<CertificatePtr> out;
  const BioPtr bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX))));
  while (bio) {
    CertificatePtr one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!one) {
      break;
    }
    out.push_back(std::move(one));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = take_reason();
  if (out.empty()) {
    return fail(unusable(field, "holds no certificate in PEM"));
  }
  if (!at_end) {
    return fail(unusable(
        field, "certificate " + std::to_string(out.size() + 1) + " in it cannot be read: " + why));
  }
  return out;
}

// Never asks at the terminal; -1 fails the read.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<KeyPtr> read_key(std::string_view pem) {
  ERR_clear_error();
  bool asked = false;
  const BioPtr bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX))));
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, &asked) : nullptr);
  const std::string why = take_reason();
  if (key) {
    return key;
  }
  return fail(unusable("key", asked ? "needs a passphrase; give a key without one"
                                    : "holds no private key in PEM (" + why + ")"));
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  const auto* ours = reinterpret_cast<const unsigned char*>(kProtocol.data());
  const int found =
      SSL_select_next_proto(const_cast<unsigned char**>(out), size, ours,
                            static_cast<unsigned int>(kProtocol.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<ContextPtr> make_client_context() {
  BERTH_ASSIGN(ContextPtr context, make_context(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(kProtocol.data()),
                          static_cast<unsigned int>(kProtocol.size()));
  return context;
}

}  // namespace

ServerIdentity::ServerIdentity() = default;
ServerIdentity::~ServerIdentity() = default;

Status ServerIdentity::use(std::string_view chain_pem, std::string_view key_pem,
                           const std::string& name) {
  BERTH_ASSIGN(const auto chain, read_certificates("certificate", chain_pem));
  if (!name.empty() && !is_for(chain.front().get(), name)) {
    return fail(unusable("certificate", "is not for " + name + " (it is for " +
                                            names_of(chain.front().get()) + ")"));
  }
  BERTH_ASSIGN(const KeyPtr key, read_key(key_pem));
  BERTH_ASSIGN(ContextPtr context, make_context(TLS_server_method()));
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, nullptr);
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    return fail(unusable("certificate", "cannot be used: " + take_reason()));
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1) {
      return fail(unusable("certificate", "certificate " + std::to_string(i + 1) +
                                              " in it cannot be used: " + take_reason()));
    }
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(unusable("key", "is not the key of the certificate"));
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return fail(unusable("key", "cannot be used: " + take_reason()));
  }
  context_ = std::move(context);
  not_before_ = wall_time(X509_get0_notBefore(chain.front().get()));
  not_after_ = wall_time(X509_get0_notAfter(chain.front().get()));
  return {};
}

TrustedRoots::TrustedRoots() = default;
TrustedRoots::~TrustedRoots() = default;

Result<std::shared_ptr<TrustedRoots>> TrustedRoots::system() {
  auto out = std::make_shared<TrustedRoots>();
  BERTH_ASSIGN(out->context_, make_client_context());
  if (SSL_CTX_set_default_verify_paths(out->context_.get()) != 1) {
    return fail(Error::internal("TLS: the system's certificate authorities cannot be read: " +
                                take_reason()));
  }
  return out;
}

Status TrustedRoots::use(std::string_view ca_pem) {
  BERTH_ASSIGN(const auto roots, read_certificates("ca", ca_pem));
  BERTH_ASSIGN(ContextPtr context, make_client_context());
  X509_STORE* const store = SSL_CTX_get_cert_store(context.get());
  for (const CertificatePtr& root : roots) {
    if (X509_STORE_add_cert(store, root.get()) != 1) {
      return fail(unusable("ca", "a certificate in it cannot be used: " + take_reason()));
    }
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  context_ = std::move(context);
  return {};
}

}  // namespace berth::http
