#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/transport.h"

namespace berth::http {

/// Certificates for https. PEM text, not paths, so that whoever read them decides when to read them
/// again.
struct TlsSettings {
  std::string ca_pem;           ///< Only these roots are trusted. Empty: the system's.
  std::string client_cert_pem;  ///< With client_key_pem: client certificate.
  std::string client_key_pem;
  std::string server_name;  ///< Checked and sent as SNI instead of the URL's host, when set.
  bool insecure_skip_verify = false;
};

/// Called for each new connection, so rotated certificates take effect without a restart.
/// `server_name` and `insecure_skip_verify` are read once, with the first call to an origin. Must
/// be thread-safe and not throw.
using TlsSource = std::function<TlsSettings()>;

/// Starts cpprestsdk's process-wide pool with that many threads. Call once in main(), before any
/// transport is made, for another size than the default; later calls do nothing. Block signals
/// before: the threads inherit the mask.
void init_cpprest_threads(int threads = 4);

/// HTTP and HTTPS over cpprestsdk's http_client. Answers are delivered on `loop`. Redirects are
/// never followed. Bytes of a stream that arrive before they are pulled are queued, at most 64 MiB,
/// then the stream fails; header and chunk sizes are not bounded at all: only the API server may be
/// trusted with that. A Request::body_source is gathered before it is sent (at most 16 MiB). IPv6
/// literals as host are refused. Deadlines need `loop` to run. A Stream still held when the
/// transport is destroyed brings nothing more.
std::unique_ptr<Transport> make_cpprest_transport(EventLoop& loop, TlsSource tls = {});

}  // namespace berth::http
