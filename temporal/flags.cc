#include "temporal/flags.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "berth/base/duration.h"

namespace berth::temporal {
namespace {

void temporal_flags(CLI::App& app, Flags& flags) {
  app.add_option("--temporal-address", flags.address, "Temporal's frontend, host:port")
      ->envname("TEMPORAL_ADDRESS")
      ->required();
  app.add_option("--temporal-namespace", flags.temporal_namespace, "Temporal's namespace")
      ->envname("TEMPORAL_NAMESPACE")
      ->capture_default_str();
  app.add_option("--task-queue", flags.task_queue,
                 "Task queue of the activity options that workflows create sessions with (by "
                 "default the workflow's own)")
      ->required();
  auto* tls = app.add_flag("--temporal-tls", flags.tls, "Speak TLS to Temporal");
  app.add_option("--temporal-ca", flags.tls_ca,
                 "CA bundle (PEM) for it (default: the system's; followed as it changes)")
      ->needs(tls);
  auto* certificate = app.add_option("--temporal-certificate", flags.tls_certificate,
                                     "Certificate (PEM) to show it; followed as it changes");
  auto* key = app.add_option("--temporal-key", flags.tls_key, "Its private key (PEM)");
  certificate->needs(tls)->needs(key);
  key->needs(certificate);
  app.add_option("--temporal-server-name", flags.tls_server_name,
                 "Name that its certificate must be for (default: the host of the address)")
      ->needs(tls);
  app.add_option("--temporal-api-key-file", flags.api_key_file,
                 "File with an API key; read again as it changes");
}

void berth_flags(CLI::App& app, Flags& flags) {
  app.add_option("--gateway", flags.gateway, "Berth's gateway, http://host:port; several by commas")
      ->envname("BERTH_GATEWAY")
      ->required();
  app.add_option("--ca-file", flags.ca_file,
                 "CA bundle (PEM) for a gateway and workers of https (default: the system's)")
      ->envname("BERTH_CA_FILE");
  app.add_option("--server-name", flags.server_name,
                 "Name that the gateway's certificate must be for (default: its host)")
      ->envname("BERTH_SERVER_NAME");
  app.add_option("--token-file", flags.token_file,
                 "File with the token for the gateway; read again as it changes")
      ->envname("BERTH_TOKEN_FILE")
      ->required();
  app.add_option("--namespace", flags.ns, "Namespace of the pool")
      ->envname("BERTH_NAMESPACE")
      ->capture_default_str();
  app.add_option("--pool", flags.pool, "SessionPool that sessions are opened in")->required();
  app.add_option("--resource", flags.resources,
                 "Typed resource that each session takes, NAME=AMOUNT; repeat for each");
}

void session_flags(CLI::App& app, Flags& flags) {
  app.add_option("--execution-timeout", flags.execution_timeout,
                 "Longest life of a session at Berth; the workflow's own ExecutionTimeout counts "
                 "too")
      ->capture_default_str();
  app.add_option("--heartbeat-timeout", flags.heartbeat_timeout,
                 "After it a worker frees a session that this program renews no more")
      ->capture_default_str();
  app.add_option("--keep-for", flags.keep_for,
                 "Hold slot and directory of a completed session for RecreateSession")
      ->capture_default_str();
  app.add_option("--max-sessions", flags.max_sessions,
                 "Most sessions at a time; each takes a long poll of Temporal's")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--backlog-interval", flags.backlog_interval,
                 "How often Temporal is asked how many requests wait")
      ->capture_default_str();
  app.add_option("--state-dir", flags.state_dir,
                 "Folder in which sessions are written down, so that they outlive this process "
                 "(default: they do not)");
  app.add_option("--drain-timeout", flags.drain_timeout,
                 "After SIGTERM, serve open sessions for at most this long")
      ->capture_default_str();
}

Result<Duration> duration(const char* flag, const std::string& text, Duration least) {
  BERTH_ASSIGN(const Duration d, parse_duration(text).map_error([&](const Error& e) {
    return Error::invalid(flag, e.message);
  }));
  if (d < least) {
    return fail(
        Error::invalid(flag, "must be at least " + format_duration(least) + ", is " + text));
  }
  return d;
}

Result<api::Resources> read_resources(const std::vector<std::string>& texts) {
  Json amounts = Json::object();
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string amount = equals == std::string::npos ? "" : text.substr(equals + 1);
    std::int64_t n = 0;
    const auto [end, failed] = std::from_chars(amount.data(), amount.data() + amount.size(), n);
    if (amount.empty() || failed != std::errc() || end != amount.data() + amount.size()) {
      return fail(Error::invalid("--resource", "'" + text + "' is not NAME=AMOUNT, such as gpu=1"));
    }
    amounts[text.substr(0, equals)] = n;
  }
  return api::parse_resources(amounts, "--resource");
}

}  // namespace

std::optional<int> read_flags(int argc, char** argv, Flags& flags) {
  CLI::App app{"Serves the sessions of Temporal workflows (Go SDK) from a Berth pool."};
  app.set_version_flag("--version", BERTH_VERSION);
  temporal_flags(app, flags);
  berth_flags(app, flags);
  session_flags(app, flags);
  app.add_option("--probe-listen", flags.probe_listen, "Address of /healthz, /readyz, /metrics")
      ->capture_default_str();
  app.add_option("--port-file", flags.port_file, "Write the real address here once listening");
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "auto, json or text")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  }
  return std::nullopt;
}

Result<Settings> check(const Flags& flags) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Settings s;
  BERTH_ASSIGN(s.resources, read_resources(flags.resources));
  BERTH_ASSIGN(s.execution_timeout,
               duration("--execution-timeout", flags.execution_timeout, seconds(1)));
  BERTH_ASSIGN(s.heartbeat_timeout,
               duration("--heartbeat-timeout", flags.heartbeat_timeout, seconds(1)));
  BERTH_ASSIGN(s.keep_for, duration("--keep-for", flags.keep_for, Duration(0)));
  BERTH_ASSIGN(s.backlog_interval,
               duration("--backlog-interval", flags.backlog_interval, milliseconds(100)));
  BERTH_ASSIGN(s.drain_timeout, duration("--drain-timeout", flags.drain_timeout, Duration(0)));
  constexpr std::size_t kLongestQueue = 900;  // Temporal takes 1,000 bytes; ours is longer.
  if (flags.task_queue.empty() || flags.task_queue.size() > kLongestQueue) {
    return fail(Error::invalid("--task-queue", "must have 1 to 900 bytes"));
  }
  return s;
}

}  // namespace berth::temporal
