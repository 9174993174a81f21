#include "cli/dev/dev_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <memory>
#include <set>

#include "berth/api/session_pool.h"
#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/open_files.h"
#include "berth/kube/object.h"
#include "cli/dev/dev_context.h"
#include "cli/dev/dev_keys.h"
#include "cli/dev/greeting.h"
#include "cli/dev/program.h"
#include "devcluster/cluster.h"

namespace berth::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeysConfigMap = "berth-keys";
constexpr std::size_t kMostFiles = 100;
Program::Listen probe() {
  return {"--probe-listen", "127.0.0.1:0", "probe"};
}

struct Images {
  std::map<std::string, fs::path> map;

  static Result<Images> parse(const std::vector<std::string>& flags, const fs::path& bin) {
    Images images;
    images.map["berth.local/worker"] = bin / "berth-worker";
    for (const std::string& flag : flags) {
      const std::size_t equals = flag.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == flag.size()) {
        return fail(Error::invalid("--image", "'" + flag + "' is not image=program"));
      }
      std::error_code failure;
      const fs::path program = fs::canonical(flag.substr(equals + 1), failure);
      if (failure) {
        return fail(Error::invalid("--image", flag.substr(equals + 1) + ": " + failure.message()));
      }
      images.map[flag.substr(0, equals)] = program;
    }
    return images;
  }
};

Result<std::vector<Json>> read_pools(const std::vector<std::string>& files) {
  if (files.size() > kMostFiles) {
    return fail(Error::invalid("-f", "more than 100 files"));
  }
  std::vector<Json> pools;
  for (const std::string& file : files) {
    BERTH_ASSIGN(const std::string text, read_file(file, 1u << 20).map_error([](const Error& e) {
      return Error::invalid("--file", e.message);
    }));
    BERTH_ASSIGN(std::vector<Json> more, api::read_pools_yaml(text, file));
    pools.insert(pools.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  }
  return pools;
}

// Everything that `berth dev` runs. Ended in the order: operator (so that nothing is created any
// more), pods and API server, gateway (so that clients are served while their sessions drain).
class DevStack {
 public:
  DevStack(const DevFlags& flags, AsioLoop& loop, Random& random, Log log)
      : flags_(flags), loop_(loop), random_(random), log_(std::move(log)) {}

  Status prepare() {
    BERTH_ASSIGN(pools_, read_pools(flags_.files));
    std::error_code failure;
    bin_ = fs::read_symlink("/proc/self/exe", failure).parent_path();
    BERTH_ASSIGN(const Images images, Images::parse(flags_.images, bin_));
    if (const Result<DevContext> other = read_dev_context(flags_.name)) {
      return fail(Error::make(ErrorCode::kConflict, "AlreadyRunning",
                              "`berth dev` runs already as process " + std::to_string(other->pid) +
                                  "; end it, or choose another --name and --listen"));
    }
    BERTH_ASSIGN(const fs::path own_dir, dev_dir(flags_.name));
    dir_ = flags_.data_dir.empty() ? own_dir : fs::absolute(flags_.data_dir);
    BERTH_TRY(lock_dir());
    BERTH_ASSIGN(keys_, DevKeys::make(dir_, random_));

    devcluster::DevClusterOptions options;
    options.token = keys_.cluster_token;
    options.data_dir = dir_ / "cluster";
    options.images = images.map;
    options.extra_env = {{"BERTH_LISTEN_HOST", "{podIP}"}};
    options.shutdown_grace = std::chrono::seconds(5);
    cluster_ = std::make_unique<devcluster::DevCluster>(
        loop_, random_, log_.with({{"part", "cluster"}}), std::move(options));
    BERTH_TRY(cluster_->start());
    kubeconfig_ = dir_ / "kubeconfig";
    BERTH_TRY(write_file_atomic(kubeconfig_, cluster_->kubeconfig(), 0600));
    return create_objects();
  }

  void start(std::function<void(Status)> done) {
    gateway_ = program("gateway", {{"--listen", flags_.listen, "listen"}, probe()},
                       {"--dev", "--ui", "--token-file", keys_.token_file.string(), "--signing-key",
                        keys_.gateway_key.string(), "--jwks", keys_.jwks_file.string()});
    gateway_->start([this, done = std::move(done)](Result<Json> ports) mutable {
      if (!ports) {
        done(fail(std::move(ports).error()));
        return;
      }
      gateway_url_ = "http://" + string_at(*ports, {"listen"});
      gateway_probes_ = "http://" + string_at(*ports, {"probe"});
      start_operator(std::move(done));
    });
  }

  void stop(std::function<void()> done) {
    const auto forget = [this, done = std::move(done)] {
      std::error_code ignored;
      // Only our own: a start that was refused must not hide the one that runs under this name.
      if (const auto own = dev_dir(flags_.name); own && announced_) {
        fs::remove(*own / "context.json", ignored);
      }
      done();
    };
    const auto stop_gateway = [this, forget] {
      gateway_ ? gateway_->stop(std::chrono::seconds(5), forget) : forget();
    };
    const auto stop_cluster = [this, stop_gateway] {
      cluster_ ? cluster_->stop(stop_gateway) : stop_gateway();
    };
    operator_ ? operator_->stop(std::chrono::seconds(5), stop_cluster) : stop_cluster();
  }

  void print() const {
    std::cout << greeting({flags_.name, (bin_ / "berth").string(), gateway_url_, page_link(),
                           gateway_probes_, operator_probes_, keys_.token_file.string(),
                           kubeconfig_.string(), dir_.string(), pools_})
              << std::flush;
  }

  Status write_contexts() {
    announced_ = true;
    BERTH_TRY(write_dev_context(flags_.name, {gateway_url_, keys_.token_file.string(),
                                              kubeconfig_.string(), static_cast<int>(::getpid())}));
    if (flags_.ready_file.empty()) {
      return {};
    }
    const Json json = {{"gateway", gateway_url_},
                       {"page", gateway_url_ + "/ui/"},
                       {"gatewayProbes", gateway_probes_},
                       {"operatorProbes", operator_probes_},
                       {"tokenFile", keys_.token_file.string()},
                       {"kubeconfig", kubeconfig_.string()},
                       {"pid", ::getpid()}};
    return write_file_atomic(flags_.ready_file, dump_json(json) + "\n", 0600);
  }

 private:
  // The fragment stays in the browser. Only for a terminal: a log file is no place for a token.
  std::string page_link() const {
    const std::string page = gateway_url_ + "/ui/";
    return ::isatty(STDOUT_FILENO) != 0 ? page + "#token=" + keys_.token : page;
  }

  // Before anything is written there: the keys of one that runs must stay as they are.
  Status lock_dir() {
    std::error_code failure;
    fs::create_directories(dir_, failure);
    if (failure) {
      return fail(Error::from_errno(failure.value(), "creating " + dir_.string()));
    }
    lock_.reset(::open((dir_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) {
      return fail(Error::from_errno(errno, "locking " + dir_.string()));
    }
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      return fail(Error::make(
          ErrorCode::kConflict, "DataDirInUse",
          "another `berth dev` uses " + dir_.string() + "; end it, or choose another --data-dir"));
    }
    return {};
  }

  std::unique_ptr<Program> program(const std::string& name, std::vector<Program::Listen> listen,
                                   std::vector<std::string> args) {
    args.insert(args.end(), {"--kubeconfig", kubeconfig_.string(), "--log-format", "json"});
    if (flags_.verbose) {
      args.insert(args.end(), {"--log-level", "debug"});
    }
    return std::make_unique<Program>(
        loop_, random_, log_,
        Program::Spec{name, bin_ / ("berth-" + name), std::move(args), std::move(listen), dir_});
  }

  void start_operator(std::function<void(Status)> done) {
    operator_ = program("operator", {probe()},
                        {"--gateway", gateway_url_, "--signing-key", keys_.operator_key.string(),
                         "--keys-config-map", kKeysConfigMap});
    operator_->start([this, done = std::move(done)](Result<Json> ports) {
      if (!ports) {
        done(fail(std::move(ports).error()));
        return;
      }
      operator_probes_ = "http://" + string_at(*ports, {"probe"});
      done(write_contexts());
    });
  }

  Status create(const char* group, const char* version, const char* plural, const std::string& ns,
                const Json& object) {
    const devcluster::ResourceType* type = devcluster::find_type(group, version, plural);
    const auto created = cluster_->store().create(*type, ns, object);
    if (!created) {
      return fail(Error::invalid(kube::key_of(object), created.error().message));
    }
    return {};
  }

  Status create_objects() {
    std::set<std::string> namespaces{"default"};
    for (Json& pool : pools_) {
      if (kube::namespace_of(pool).empty()) {
        pool["metadata"]["namespace"] = "default";
      }
      namespaces.insert(kube::namespace_of(pool));
    }
    for (const std::string& ns : namespaces) {
      if (ns != "default") {
        BERTH_TRY(
            create("", "v1", "namespaces", "",
                   {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}}));
      }
      BERTH_TRY(create("", "v1", "configmaps", ns,
                       {{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata", {{"name", kKeysConfigMap}, {"namespace", ns}}},
                        {"data", {{"jwks.json", keys_.jwks}}}}));
    }
    for (const Json& pool : pools_) {
      BERTH_TRY(
          create(api::kGroup, api::kVersion, api::kPoolPlural, kube::namespace_of(pool), pool));
    }
    return {};
  }

  const DevFlags& flags_;
  AsioLoop& loop_;
  Random& random_;
  Log log_;
  fs::path bin_;
  fs::path dir_;
  UniqueFd lock_;
  bool announced_ = false;
  fs::path kubeconfig_;
  DevKeys keys_;
  std::vector<Json> pools_;
  std::string gateway_url_;
  std::string gateway_probes_;
  std::string operator_probes_;
  std::unique_ptr<devcluster::DevCluster> cluster_;
  std::unique_ptr<Program> gateway_;
  std::unique_ptr<Program> operator_;
};

}  // namespace

int dev(const DevFlags& flags) {
  raise_open_file_limit();
  const Log log = Log::to_stderr("dev", flags.verbose ? Log::Level::kDebug : Log::Level::kWarn);
  AsioLoop loop;
  SystemRandom random;
  DevStack stack(flags, loop, random, log);
  int status = 0;
  bool stopping = false;
  const auto stop = [&] {
    stopping = true;
    stack.stop([&loop] { loop.stop(); });
  };
  const Cancel signals = loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int) {
    if (!stopping) {
      std::cout << "\nEnding what was started.\n" << std::flush;
      stop();
    }
  });
  loop.post([&] {
    if (const Status s = stack.prepare(); !s) {
      status = report(s.error());
      stop();
      return;
    }
    stack.start([&](Status s) {
      if (stopping) {
        return;
      }
      if (!s) {
        status = report(s.error());
        stop();
        return;
      }
      stack.print();
    });
  });
  loop.run();
  return status;
}

}  // namespace berth::cli
