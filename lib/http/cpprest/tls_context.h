#pragma once

#include <boost/asio/ssl/context.hpp>
#include <stdexcept>

#include "berth/http/cpprest_transport.h"

namespace berth::http::cpprest {

/// Names the setting that OpenSSL does not take. An exception because it has to travel through
/// cpprestsdk.
class TlsSettingsError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Puts `settings` into the context of a new connection: its own roots instead of the system's, the
/// client's certificate, TLS 1.2 or later. Throws TlsSettingsError.
void apply(const TlsSettings& settings, boost::asio::ssl::context& context);

}  // namespace berth::http::cpprest
