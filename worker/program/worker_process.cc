#include "worker/program/worker_process.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "berth/api/worker_address.h"
#include "berth/auth/control_token.h"
#include "berth/auth/tls_files.h"
#include "berth/base/thread_pool.h"
#include "worker/activity/build_registry.h"
#include "worker/activity/process/leftovers.h"
#include "worker/activity/process/marker.h"
#include "worker/activity/process/supervisor.h"
#include "worker/api/file_routes.h"
#include "worker/api/worker_api.h"
#include "worker/files/file_store.h"
#include "worker/journal/journal.h"
#include "worker/service/disk_metrics.h"
#include "worker/service/stored_directories.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMaxQueuedFunctions = 10'000;
constexpr std::uint64_t kReservePerSession = 256;
constexpr auto kServerGrace = std::chrono::seconds(2);
/// What stopping costs besides the commands' own grace, and what is left for exiting.
constexpr Duration kStopMargin = std::chrono::seconds(5);
constexpr Duration kExitMargin = std::chrono::seconds(1);
/// The DELETE of a retired worker's pod, and so its SIGTERM, comes within a second or so.
constexpr Duration kRetiredPatience = std::chrono::seconds(10);

}  // namespace

// Members are in the order of their making; what is used by another thing outlives it.
struct WorkerProcess::Impl {
  Impl(WorkerSettings s, Functions f, std::size_t threads, Log l)
      : settings(std::move(s)),
        functions(std::move(f)),
        log(std::move(l)),
        function_threads(threads),
        transport(http::make_beast_transport(loop)),
        worker_metrics(metrics) {
    identity.name = settings.name;
    identity.uid = api::WorkerUid(settings.uid);
    identity.incarnation = api::Incarnation(random.name(16));
    identity.pool = settings.pool;
    identity.ns = settings.ns;
  }

  Status open_state();
  Status kill_what_was_left();
  Status open_directories(const std::vector<Record>& records);
  Status open_keys();
  Status build_service();
  Status listen();
  void on_stop_signal();
  void on_unheard_signal();
  void on_drained();
  void give_up();

  WorkerSettings settings;
  Functions functions;
  Log log;
  AsioLoop loop;
  SystemRandom random;
  Metrics metrics;
  std::size_t function_threads;
  WorkerIdentity identity;
  std::unique_ptr<http::Transport> transport;
  WorkerMetrics worker_metrics;
  std::optional<DiskMetrics> disk_metrics;  ///< Once the folders are there.
  std::unique_ptr<Journal> journal;
  std::unique_ptr<SessionTable> table;
  std::unique_ptr<FileStore> files;
  std::unique_ptr<StoredDirectories> directories;
  std::unique_ptr<auth::KeySet> keys;
  std::unique_ptr<auth::KeySetFile> key_file;
  std::unique_ptr<ProcessSupervisor> supervisor;
  std::unique_ptr<ActivityRegistry> registry;
  std::unique_ptr<WorkerService> service;
  // After the service: its threads run functions whose ends are posted to it.
  std::unique_ptr<ThreadPool> function_pool;
  std::unique_ptr<WorkerApi> api;
  http::Router router;
  http::Router probe_router;
  std::unique_ptr<auth::ServedCertificate> certificate;  // Outlives the server.
  std::unique_ptr<http::Server> server;
  std::unique_ptr<http::Server> probe_server;
  Cancel signals;
  Cancel hard_stop;
  Cancel retired_stop;
};

WorkerProcess::WorkerProcess(WorkerSettings settings, Functions functions,
                             std::size_t function_threads, Log log)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(functions), function_threads,
                                   std::move(log))) {}
WorkerProcess::~WorkerProcess() = default;

Status WorkerProcess::Impl::open_state() {
  BERTH_ASSIGN(std::string boot_id, read_boot_id());
  Journal::Settings journal_settings;
  journal_settings.directory = settings.state_dir;
  journal_settings.boot_id = std::move(boot_id);
  journal_settings.reserve_bytes +=
      kReservePerSession * static_cast<std::uint64_t>(settings.config.sessions.max_per_worker);
  BERTH_ASSIGN(Journal::Opened opened, Journal::open(std::move(journal_settings), log));
  journal = std::move(opened.journal);

  SessionTableSettings table_settings;
  table_settings.incarnation = identity.incarnation;
  table_settings.sessions = settings.config.sessions;
  table = std::make_unique<SessionTable>(std::move(table_settings), loop.clock(), *journal);
  for (const Record& record : opened.records) {
    table->replay(record);
  }
  BERTH_TRY(kill_what_was_left());
  const std::size_t known = table->session_count();
  table->finish_restore(opened.same_boot);
  journal->set_snapshot_source(
      [this](std::uint64_t from, std::size_t most) { return table->snapshot(from, most); });
  if (const auto done = journal->rewrite(table->retired()); !done) {
    // What is in the journal leads to the same table again, so only growth is lost.
    log.warn("the journal cannot be rewritten", {{"error", done.error()}});
  }
  if (known > 0) {
    log.info("sessions of the last process go on",
             {{"before", known}, {"open", table->session_count()}});
  }
  return open_directories(opened.records);
}

Status WorkerProcess::Impl::kill_what_was_left() {
  for (const SessionTable::Leftover& left : table->leftovers()) {
    const std::string marker =
        activity_marker(settings.session_dir / left.session.str(), left.activity);
    BERTH_ASSIGN(const std::size_t killed,
                 kill_leftovers(static_cast<int>(left.process_group), marker));
    if (killed > 0) {
      log.warn("killed what an activity of the last process had left running",
               {{"session", left.session.str()},
                {"activity", left.activity.str()},
                {"processes", killed}});
    }
  }
  return {};
}

Status WorkerProcess::Impl::open_directories(const std::vector<Record>& records) {
  FileStoreSettings store;
  store.root = settings.session_dir;
  store.max_file_bytes = settings.config.sessions.max_file_bytes;
  store.max_session_bytes = settings.config.sessions.max_disk_bytes_per_session;
  BERTH_ASSIGN(files, FileStore::open(loop, std::move(store), log));
  disk_metrics.emplace(
      loop, metrics,
      DiskMetrics::Volumes{{"sessions", settings.session_dir}, {"state", settings.state_dir}});
  directories = std::make_unique<StoredDirectories>(*files, log);
  // The last process may have died between a takeover of a held slot and the move of its directory.
  std::map<api::SessionId, api::SessionId> taken_over;
  for (const Record& record : records) {
    if (const auto* opened = std::get_if<SessionOpenedRecord>(&record);
        opened && !opened->from_hold.empty()) {
      taken_over[opened->from_hold] = opened->id;
    }
  }
  const auto wanted = [&](const api::SessionId& id) {
    const auto it = taken_over.find(id);
    return table->find(id) != nullptr || table->find_hold(id) != nullptr ||
           (it != taken_over.end() && table->find(it->second) != nullptr);
  };
  BERTH_TRY(directories->start(wanted));
  for (const auto& [from, to] : taken_over) {
    if (table->find(to) != nullptr && !directories->exists(to)) {
      BERTH_TRY(directories->hand_over(from, to));
    }
    directories->remove(from);
  }
  return {};
}

Status WorkerProcess::Impl::open_keys() {
  if (settings.insecure_no_control_auth) {
    log.warn(
        "control calls are not checked: everybody on this machine may open sessions and cordon "
        "this worker");
    return {};
  }
  keys = std::make_unique<auth::KeySet>(settings.uid, loop.clock());
  key_file = std::make_unique<auth::KeySetFile>(loop, *keys, settings.jwks, log);
  return key_file->start();
}

Status WorkerProcess::Impl::build_service() {
  supervisor = std::make_unique<ProcessSupervisor>(loop, log);
  function_pool = std::make_unique<ThreadPool>(function_threads, kMaxQueuedFunctions);
  BERTH_ASSIGN(ActivityRegistry built,
               build_registry({loop, *supervisor, *transport, *function_pool, log, ""},
                              settings.config, functions));
  registry = std::make_unique<ActivityRegistry>(std::move(built));
  service = std::make_unique<WorkerService>(
      WorkerService::Parts{loop, random, *table, *registry, *directories, worker_metrics, log},
      identity);
  service->on_retired([this] {
    retired_stop = loop.call_after(kRetiredPatience, [this] { on_unheard_signal(); });
  });
  service->set_disk_usage([this](const api::SessionId& id) { return files->used_bytes(id); });
  metrics.add_process_metrics("berth_worker");
  api = std::make_unique<WorkerApi>(WorkerApi::Parts{
      loop, *service, ControlGuard(keys.get()), metrics, [] { return Status{}; },
      keys ? [this] { return keys->key_ids(); } : std::function<std::set<std::string>()>(),
      settings.config.sessions.max_creation_timeout});
  if (key_file) {
    key_file->on_change([this] { service->keys_changed(); });
  }
  api->add_routes(router);
  add_file_routes(router, *service, *files, settings.config.sessions.max_file_bytes);
  api->add_probe_routes(probe_router);
  return {};
}

Status WorkerProcess::Impl::listen() {
  const auto refused = [](const char* flag) {
    return [flag](Error e) {
      e.field = flag;
      return e;
    };
  };
  http::ServerOptions main_options;
  main_options.address = settings.listen;
  if (settings.tls) {
    certificate = std::make_unique<auth::ServedCertificate>(
        loop, settings.tls, settings.ns.empty() ? "" : api::worker_server_name(settings.ns),
        metrics, log);
    BERTH_TRY(certificate->start().map_error(refused("tlsCertificate")));
    certificate->apply(main_options);
  }
  BERTH_ASSIGN(server,
               http::serve(loop, router, std::move(main_options)).map_error(refused("listen")));
  http::ServerOptions probe_options;
  probe_options.address = settings.probe_listen;
  probe_options.limits.max_connections = 200;
  BERTH_ASSIGN(
      probe_server,
      http::serve(loop, probe_router, std::move(probe_options)).map_error(refused("probeListen")));
  service->set_address((certificate ? "https://" : "") +
                       join_host_port(settings.advertise_host, server->port()));
  return {};
}

Status WorkerProcess::start() {
  // A full disk or a file size limit must be an error that is answered, not the end of the process.
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  BERTH_TRY(impl_->open_state());
  BERTH_TRY(impl_->open_keys());
  BERTH_TRY(impl_->build_service());
  BERTH_TRY(impl_->listen());
  impl_->service->start();
  impl_->signals =
      impl_->loop.on_signals({SIGTERM, SIGINT}, [this](int) { impl_->on_stop_signal(); });
  impl_->log.info("worker serves", {{"name", impl_->identity.name},
                                    {"uid", impl_->identity.uid.str()},
                                    {"incarnation", impl_->identity.incarnation.str()},
                                    {"address", impl_->server->address()},
                                    {"probes", impl_->probe_server->address()},
                                    {"slots", impl_->settings.config.sessions.max_per_worker},
                                    {"state", api::to_string(impl_->table->state())}});
  return {};
}

Status WorkerProcess::write_ports(const std::filesystem::path& file) const {
  const Json ports = {{"port", impl_->server->port()},
                      {"probePort", impl_->probe_server->port()},
                      {"incarnation", impl_->identity.incarnation.str()}};
  return write_file_atomic(file, dump_json(ports) + "\n");
}

void WorkerProcess::Impl::on_stop_signal() {
  if (service->shutting_down()) {
    log.warn("told to stop again: open sessions end now");
    service->shut_down(Duration{0}, [this] { on_drained(); });
    return;
  }
  Duration kill_grace{0};
  for (const api::ActivitySpec& activity : settings.config.activities) {
    kill_grace = std::max(kill_grace, activity.kill_grace);
  }
  const Duration serve = std::max(settings.grace - kill_grace - kStopMargin, settings.grace / 2);
  hard_stop = loop.call_after(std::max(settings.grace - kExitMargin, serve), [this] { give_up(); });
  service->shut_down(serve, [this] { on_drained(); });
}

// Who retires a worker deletes its pod. A SIGTERM that came before signals were listened to is lost
// on the first process of a container, and the kubelet sends no second.
void WorkerProcess::Impl::on_unheard_signal() {
  if (!service->shutting_down()) {
    log.info("retired and not told to stop since: exiting");
    on_stop_signal();
  }
}

void WorkerProcess::Impl::on_drained() {
  log.info("drained");
  server->drain(kServerGrace,
                [this] { probe_server->drain(kServerGrace, [this] { loop.stop(); }); });
}

// Threads that do not return cannot be ended, so the process is, without waiting for them. The
// journal says what was running.
void WorkerProcess::Impl::give_up() {
  log.error("activities did not stop before the end of the grace period",
            {{"sessions", table->session_count()}, {"activities", table->slots().activities}});
  ::_exit(1);
}

int WorkerProcess::run() {
  impl_->loop.run();
  return 0;
}

}  // namespace berth::worker
