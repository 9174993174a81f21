#include "berth/worker/worker.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <vector>

#include "berth/base/open_files.h"
#include "worker/program/worker_process.h"

namespace berth::worker {
namespace {

void add_flags(CLI::App& app, WorkerFlags& flags) {
  app.set_version_flag("--version", std::string("berth ") + BERTH_VERSION);
  app.add_option("--config", flags.config_file,
                 "worker.yaml: sessions, activities and the settings below");
  app.add_option("--listen", flags.listen, "Address for sessions, host:port; port 0: any free one");
  app.add_option("--probe-listen", flags.probe_listen,
                 "Address for /healthz, /readyz, /metrics and /drained");
  app.add_option("--state-dir", flags.state_dir,
                 "Where the journal is kept; one worker per directory");
  app.add_option("--session-dir", flags.session_dir, "Where sessions have their directories");
  app.add_option("--jwks", flags.jwks, "Public keys of gateways and operators");
  app.add_option("--tls-certificate", flags.tls.certificate,
                 "Serve sessions over https with this certificate (PEM, with its chain; followed "
                 "as it changes)");
  app.add_option("--tls-key", flags.tls.key, "Its private key (PEM)");
  app.add_flag("--insecure-no-control-auth", flags.insecure_no_control_auth,
               "Let everybody on this machine open sessions; only with a loopback address");
  app.add_option("--port-file", flags.port_file, "Write the ports in use to this file, as JSON");
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "auto, json or text")->capture_default_str();
}

// Kubernetes tells what stands there in the pod's status. A container has that file; nobody else
// does, and it is not made.
void leave_word(const std::string& word) {
  std::fstream file("/dev/termination-log", std::ios::in | std::ios::out);
  file << word;
}

int complain(const std::string& program, const Error& error, int status) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), error.text().c_str());
  leave_word(error.text());
  return status;
}

Result<Log> make_log(const WorkerFlags& flags) {
  BERTH_ASSIGN(const Log::Level level, parse_log_level(flags.log_level));
  BERTH_ASSIGN(const Log::Format format, parse_log_format(flags.log_format));
  return Log::to_stdout("worker", level, format);
}

}  // namespace

struct Worker::Impl {
  WorkerOptions options;
  WorkerProcess::Functions functions;
};

Worker::Worker(WorkerOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
}
Worker::~Worker() = default;

Status Worker::register_activity(std::string name, ActivityFunction function) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  if (name.empty() || name.size() > 63 || name.find_first_not_of(kAllowed) != std::string::npos ||
      name == "exec") {
    return fail(Error::invalid(
        "name",
        "an activity's name is 1 to 63 of letters, digits, '_', '.' and '-', and not "
        "\"exec\"; this is '" +
            name.substr(0, 64) + "'"));
  }
  for (const auto& [taken, unused] : impl_->functions) {
    if (taken == name) {
      return fail(Error::make(ErrorCode::kAlreadyExists, "",
                              "the activity '" + name + "' is registered already"));
    }
  }
  impl_->functions.emplace_back(std::move(name), std::move(function));
  return {};
}

int Worker::run(int argc, char** argv) {
  raise_open_file_limit();
  WorkerFlags flags;
  CLI::App app("Serves sessions and runs their activities.", impl_->options.program);
  add_flags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const std::string& program = impl_->options.program;
  auto log = make_log(flags);
  if (!log) {
    return complain(program, log.error(), 2);
  }
  auto settings =
      load_settings(flags, process_environment(), impl_->options.max_concurrent_sessions);
  if (!settings) {
    return complain(program, settings.error(), 2);
  }
  WorkerProcess process(std::move(*settings), impl_->functions, impl_->options.activity_threads,
                        *log);
  auto started = process.start();
  if (started && !flags.port_file.empty()) {
    started = process.write_ports(flags.port_file);
  }
  if (!started) {
    log->error("the worker cannot start", {{"error", started.error()}});
    return complain(program, started.error(), 1);
  }
  return process.run();
}

}  // namespace berth::worker
