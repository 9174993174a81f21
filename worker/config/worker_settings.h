#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "berth/api/session_pool.h"
#include "berth/api/worker_config.h"
#include "berth/auth/tls_files.h"
#include "berth/base/json.h"

namespace berth::worker {

/// Everything that a worker process is told at its start.
///
/// | worker.yaml     | environment                          | default |
/// |-----------------|--------------------------------------|--------------------------------------------------|
/// | sessions, activities, exec | BERTH_WORKER_CONFIG (JSON) | as in a SessionPool | | name |
/// BERTH_POD_NAME                       | the host's name                                  | | uid
/// | BERTH_POD_UID                        | the name                                         | |
/// pool, namespace | BERTH_POOL, BERTH_NAMESPACE          | empty | | listen          |
/// BERTH_LISTEN_HOST (host only)        | all interfaces, port 7600                        | |
/// probeListen     | the same host                        | all interfaces, port 7601 | |
/// advertiseHost   | BERTH_ADVERTISE_HOST                 | the host listened on, else the host's
/// name       | | stateDir        | BERTH_STATE_DIR                      | /var/lib/berth/state |
/// | sessionDir      | BERTH_SESSION_DIR                    | /var/lib/berth/sessions | | jwks |
/// BERTH_JWKS                           | required, unless control calls are not checked   | |
/// tlsCertificate  | BERTH_TLS_CERTIFICATE                | empty: plain HTTP |
/// tlsKey          | BERTH_TLS_KEY                        | with tlsCertificate |
/// grace           | BERTH_GRACE_SECONDS                  | 30s: from SIGTERM to SIGKILL |
///
/// A flag wins over the environment, the environment over the file. The file and
/// BERTH_WORKER_CONFIG exclude each other.
struct WorkerSettings {
  api::WorkerConfig config;
  std::string name;
  std::string uid;
  std::string pool;
  std::string ns;
  std::string listen = ":" + std::to_string(api::kWorkerPort);
  std::string probe_listen = ":" + std::to_string(api::kWorkerProbePort);
  std::string advertise_host;
  std::filesystem::path state_dir = "/var/lib/berth/state";
  std::filesystem::path session_dir = "/var/lib/berth/sessions";
  std::filesystem::path jwks;
  /// Serve sessions over https with these. Both or neither.
  auth::TlsFiles tls;
  Duration grace = std::chrono::seconds(30);
  bool insecure_no_control_auth = false;
};

/// What the command line said; empty means nothing.
struct WorkerFlags {
  std::string config_file;
  std::string listen;
  std::string probe_listen;
  std::string state_dir;
  std::string session_dir;
  std::string jwks;
  auth::TlsFiles tls;
  std::string port_file;
  std::string log_level = "info";
  std::string log_format = "auto";
  bool insecure_no_control_auth = false;
};

using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

/// Puts the three sources together and checks them. `default_max_sessions` stands in for a missing
/// sessions.maxPerWorker; 0: it must be given. The error names the field, variable or flag.
Result<WorkerSettings> load_settings(const WorkerFlags& flags, const Environment& environment,
                                     std::int64_t default_max_sessions);

/// True for 127.0.0.0/8, ::1 and localhost, of "host:port".
bool is_loopback(const std::string& listen);
/// The host of "host:port" without brackets; empty for all interfaces.
std::string host_of(const std::string& listen);
/// "host:port" with brackets where they are needed.
std::string join_host_port(const std::string& host, std::uint16_t port);

}  // namespace berth::worker
