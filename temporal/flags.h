#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/resources.h"
#include "berth/base/clock.h"
#include "berth/base/error.h"

namespace berth::temporal {

/// What the program was started with.
struct Flags {
  // Temporal.
  std::string address;
  std::string temporal_namespace = "default";
  std::string task_queue;
  bool tls = false;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_server_name;
  std::string api_key_file;

  // Berth.
  std::string gateway;
  std::string ca_file;
  std::string server_name;
  std::string token_file;
  std::string ns = "default";
  std::string pool;
  std::vector<std::string> resources;

  // Sessions.
  std::string execution_timeout = "24h";
  std::string heartbeat_timeout = "20s";
  std::string keep_for = "0s";
  std::int64_t max_sessions = 200;
  std::string backlog_interval = "1s";
  std::string state_dir;
  std::string drain_timeout = "1h";

  std::string probe_listen = "127.0.0.1:7091";
  std::string port_file;
  std::string log_level = "info";
  std::string log_format = "auto";
};

/// Reads the command line and, for what it leaves out, the environment. An exit code: the program
/// is to end now (help, version, a wrong flag), and what there was to say has been said.
std::optional<int> read_flags(int argc, char** argv, Flags& flags);

/// The flags that are more than a text.
struct Settings {
  api::Resources resources;
  Duration execution_timeout{};
  Duration heartbeat_timeout{};
  Duration keep_for{};
  Duration backlog_interval{};
  Duration drain_timeout{};
};
/// What a single flag's text cannot show to be wrong, too. The error names the flag.
Result<Settings> check(const Flags& flags);

}  // namespace berth::temporal
