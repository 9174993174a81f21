#include "worker/config/worker_settings.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "berth/base/duration.h"
#include "berth/base/file.h"

namespace berth::worker {
namespace {

constexpr auto kLongestGrace = std::chrono::hours(24 * 30);

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// Takes the keys that are the worker's own out of the document; what is left is a WorkerConfig.
Status read_local_keys(Json& document, WorkerSettings& out) {
  Json local = Json::object();
  for (const char* key :
       {"name", "uid", "pool", "namespace", "listen", "probeListen", "advertiseHost", "stateDir",
        "sessionDir", "jwks", "tlsCertificate", "tlsKey", "grace"}) {
    if (const auto it = document.find(key); it != document.end()) {
      local[key] = std::move(*it);
      document.erase(it);
    }
  }
  FieldReader r(local, "");
  const auto path = [&r](const char* key, std::filesystem::path& to) {
    std::string text;
    r.optional(key, text);
    if (!text.empty()) {
      to = text;
    }
  };
  r.optional("name", out.name);
  r.optional("uid", out.uid);
  r.optional("pool", out.pool);
  r.optional("namespace", out.ns);
  r.optional("listen", out.listen);
  r.optional("probeListen", out.probe_listen);
  r.optional("advertiseHost", out.advertise_host);
  path("stateDir", out.state_dir);
  path("sessionDir", out.session_dir);
  path("jwks", out.jwks);
  r.optional("tlsCertificate", out.tls.certificate);
  r.optional("tlsKey", out.tls.key);
  r.duration("grace", out.grace, Duration{0}, kLongestGrace);
  return r.finish();
}

Result<Json> read_document(const WorkerFlags& flags, const Environment& environment) {
  const auto from_environment = environment("BERTH_WORKER_CONFIG");
  if (!flags.config_file.empty() && from_environment) {
    return fail(Error::invalid("--config", "BERTH_WORKER_CONFIG is set too; use one of them"));
  }
  if (!flags.config_file.empty()) {
    BERTH_ASSIGN(const std::string text, read_file(flags.config_file, 1u << 20));
    return api::yaml_to_json(text, flags.config_file);
  }
  if (from_environment) {
    return parse_json(*from_environment).map_error([](Error e) {
      e.field = "BERTH_WORKER_CONFIG";
      return e;
    });
  }
  return Json::object();
}

Status read_environment(const Environment& environment, WorkerSettings& out) {
  const auto take = [&](const char* name, auto& to) {
    if (auto text = environment(name); text && !text->empty()) {
      to = std::move(*text);
    }
  };
  take("BERTH_POD_NAME", out.name);
  take("BERTH_POD_UID", out.uid);
  take("BERTH_POOL", out.pool);
  take("BERTH_NAMESPACE", out.ns);
  take("BERTH_ADVERTISE_HOST", out.advertise_host);
  take("BERTH_STATE_DIR", out.state_dir);
  take("BERTH_SESSION_DIR", out.session_dir);
  take("BERTH_JWKS", out.jwks);
  take("BERTH_TLS_CERTIFICATE", out.tls.certificate);
  take("BERTH_TLS_KEY", out.tls.key);
  if (const auto host = environment("BERTH_LISTEN_HOST"); host && !host->empty()) {
    out.listen = join_host_port(*host, api::kWorkerPort);
    out.probe_listen = join_host_port(*host, api::kWorkerProbePort);
  }
  if (const auto text = environment("BERTH_GRACE_SECONDS"); text && !text->empty()) {
    std::int64_t seconds = 0;
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (ec != std::errc() || end != text->data() + text->size() || seconds < 0 ||
        std::chrono::seconds(seconds) > kLongestGrace) {
      return fail(Error::invalid("BERTH_GRACE_SECONDS", "must be a whole number of seconds"));
    }
    out.grace = std::chrono::seconds(seconds);
  }
  return {};
}

void apply_flags(const WorkerFlags& flags, WorkerSettings& out) {
  const auto take = [](const std::string& text, auto& to) {
    if (!text.empty()) {
      to = text;
    }
  };
  take(flags.listen, out.listen);
  take(flags.probe_listen, out.probe_listen);
  take(flags.state_dir, out.state_dir);
  take(flags.session_dir, out.session_dir);
  take(flags.jwks, out.jwks);
  take(flags.tls.certificate, out.tls.certificate);
  take(flags.tls.key, out.tls.key);
  out.insecure_no_control_auth = flags.insecure_no_control_auth;
}

Status check(const WorkerSettings& s) {
  BERTH_TRY(auth::check(s.tls, "--tls-certificate, BERTH_TLS_CERTIFICATE or tlsCertificate",
                        "--tls-key, BERTH_TLS_KEY or tlsKey"));
  if (s.insecure_no_control_auth && !is_loopback(s.listen)) {
    return fail(Error::invalid(
        "--insecure-no-control-auth",
        "lets everybody who reaches this worker open sessions, so it listens on loopback only; "
        "add --listen 127.0.0.1:7600"));
  }
  if (!s.insecure_no_control_auth && s.jwks.empty()) {
    return fail(Error::invalid(
        "jwks",
        "a key set is needed to know gateways and operators by (--jwks or BERTH_JWKS); on "
        "loopback, --insecure-no-control-auth does without"));
  }
  return {};
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::string host_of(const std::string& listen) {
  const auto colon = listen.rfind(':');
  std::string host = colon == std::string::npos ? listen : listen.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host == "*" || host == "0.0.0.0" || host == "::" ? std::string() : host;
}

std::string join_host_port(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_loopback(const std::string& listen) {
  const std::string host = host_of(listen);
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

Result<WorkerSettings> load_settings(const WorkerFlags& flags, const Environment& environment,
                                     std::int64_t default_max_sessions) {
  WorkerSettings out;
  BERTH_ASSIGN(Json document, read_document(flags, environment));
  if (!document.is_object()) {
    return fail(Error::invalid("", "the worker's configuration must be an object"));
  }
  BERTH_TRY(read_local_keys(document, out));
  if (default_max_sessions > 0) {
    Json& sessions = document["sessions"];
    if (sessions.is_null()) {
      sessions = Json::object();
    }
    if (sessions.is_object() && find(sessions, "maxPerWorker") == nullptr) {
      sessions["maxPerWorker"] = default_max_sessions;
    }
  }
  BERTH_ASSIGN(out.config, api::WorkerConfig::parse(document));
  BERTH_TRY(read_environment(environment, out));
  apply_flags(flags, out);
  if (out.name.empty()) {
    out.name = host_name();
  }
  if (out.uid.empty()) {
    out.uid = out.name;
  }
  if (out.advertise_host.empty()) {
    out.advertise_host = host_of(out.listen).empty() ? host_name() : host_of(out.listen);
  }
  for (std::filesystem::path* path : {&out.state_dir, &out.session_dir}) {
    *path = std::filesystem::absolute(*path).lexically_normal();
  }
  BERTH_TRY(check(out));
  return out;
}

}  // namespace berth::worker
