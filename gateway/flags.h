#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/auth/tls_files.h"
#include "berth/base/error.h"

namespace berth::gateway {

/// What the program was started with.
struct Flags {
  std::string listen = "127.0.0.1:7070";
  std::string probe_listen = "127.0.0.1:7071";
  std::string kubeconfig;
  std::vector<std::string> namespaces;
  std::string token_file;
  std::string audience;
  std::string signing_key;
  std::string jwks;
  auth::TlsFiles tls;
  std::string worker_ca;
  std::string port_file;
  std::string replica = "gateway";
  std::string log_level = "info";
  std::string log_format = "auto";
  std::optional<std::int64_t> drain_seconds;
  bool dev = false;
  bool ui = false;

  /// From SIGTERM to the end of serving: time for those who read /readyz to notice.
  std::chrono::seconds drain() const;
};

/// Reads the command line. An exit code: the program is to end now (help, version, a wrong flag),
/// and what there was to say has been said.
std::optional<int> read_flags(int argc, char** argv, Flags& flags);

/// What a single flag's text cannot show to be wrong. The error names the flag.
Status check(const Flags& flags);

}  // namespace berth::gateway
