#include "tls_context.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>

namespace berth::http::cpprest {
namespace {

using Context = boost::asio::ssl::context;

void require(const boost::system::error_code& ec, const char* what) {
  if (ec) {
    throw TlsSettingsError(std::string("TLS settings: ") + what + ": " + ec.message());
  }
}

void trust_only(const std::string& pem, Context& context) {
  // The system's roots have been loaded by now; a fresh store forgets them.
  X509_STORE* store = X509_STORE_new();
  if (store == nullptr) {
    throw TlsSettingsError("TLS settings: out of memory");
  }
  SSL_CTX_set_cert_store(context.native_handle(), store);
  boost::system::error_code ec;
  context.add_certificate_authority(boost::asio::buffer(pem), ec);
  require(ec, "the CA bundle holds no usable certificate in PEM");
}

void use_client_certificate(const TlsSettings& settings, Context& context) {
  boost::system::error_code ec;
  context.use_certificate_chain(boost::asio::buffer(settings.client_cert_pem), ec);
  require(ec, "the client certificate is not usable PEM");
  context.use_private_key(boost::asio::buffer(settings.client_key_pem), Context::pem, ec);
  require(ec, "the client key is not usable PEM or not the certificate's");
}

}  // namespace

void apply(const TlsSettings& settings, Context& context) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (!settings.ca_pem.empty()) {
    trust_only(settings.ca_pem, context);
  }
  if (!settings.client_cert_pem.empty() || !settings.client_key_pem.empty()) {
    use_client_certificate(settings, context);
  }
}

}  // namespace berth::http::cpprest
