#pragma once

#include <filesystem>
#include <string>

#include "berth/base/error.h"
#include "berth/http/cpprest_transport.h"

namespace berth::kube {

/// How to reach one API server as one user.
struct Config {
  std::string server;  ///< "https://host:port", no trailing slash.
  std::string default_namespace = "default";
  std::string ca_pem;
  std::filesystem::path ca_file;  ///< Read again for each new connection; `ca_pem` if that fails.
  std::string client_cert_pem;
  std::string client_key_pem;
  std::string token;
  std::filesystem::path token_file;  ///< Read again each minute; wins over `token`.
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
};

/// The certificates of `config`, as the transport wants them, with the authority's file as it is
/// now: a cluster may change its authority while we run. Thread-safe.
http::TlsSettings tls_settings(const Config& config);

/// Looks, in this order: `explicit_path` (a flag), $KUBECONFIG (colon list, first writer of a name
/// wins), the service account of this pod, ~/.kube/config. `context` empty: the current one. Errors
/// name the file and the field. exec plugins, auth providers, proxy-url and IPv6 literals are
/// refused with an error that names the way out (`kubectl proxy`, a token, a host name).
Result<Config> load_config(const std::filesystem::path& explicit_path,
                           const std::string& context = "");
Result<Config> parse_kubeconfig(std::string_view yaml, const std::filesystem::path& file,
                                const std::string& context);

}  // namespace berth::kube
