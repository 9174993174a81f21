#include "devcluster/cluster.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

#include "devcluster/apiserver/admission.h"
#include "devcluster/apiserver/garbage_collector.h"

namespace berth::devcluster {

DevCluster::DevCluster(AsioLoop& loop, Random& random, Log log, DevClusterOptions options)
    : loop_(loop),
      log_(std::move(log)),
      options_(std::move(options)),
      store_(loop.clock(), random, admit),
      transport_(http::make_beast_transport(loop, {.user_agent = "kube-probe/berth-dev"})),
      collector_(std::make_unique<GarbageCollector>(loop, store_)),
      server_(loop, store_, faults_, random, log_,
              {.address = options_.address,
               .token = options_.token,
               .faults_endpoint = options_.faults_endpoint,
               .bookmark_interval = options_.bookmark_interval,
               .pod_log = [this](const Json& pod, const std::shared_ptr<http::Exchange>& exchange) {
                 if (node_) {
                   node_->serve_log(pod, exchange);
                 } else {
                   exchange->reply(http::Response::text(200, ""));
                 }
               }}) {
  if (options_.run_pods) {
    node_ = std::make_unique<Node>(loop, store_, *transport_, log_,
                                   NodeOptions{.data_dir = options_.data_dir,
                                               .images = {options_.images, options_.extra_env},
                                               .backoff = options_.backoff,
                                               .max_pods = options_.max_pods});
  }
}

DevCluster::~DevCluster() = default;

Status DevCluster::lock_data_dir() {
  std::error_code ec;
  std::filesystem::create_directories(options_.data_dir, ec);
  const std::string dir = options_.data_dir.string();
  if (ec) {
    return fail(Error::from_errno(ec.value(), "making the data directory " + dir));
  }
  lock_.reset(::open((options_.data_dir / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) {
    return fail(Error::from_errno(errno, "locking the data directory " + dir));
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Error::make(
        ErrorCode::kConflict, "DataDirInUse",
        "the data directory " + dir + " is in use by another dev cluster; give this one another"));
  }
  return {};
}

Status DevCluster::start() {
  BERTH_TRY(lock_data_dir());
  BERTH_TRY(server_.start());
  if (node_) {
    BERTH_TRY(node_->start());
  }
  log_.info("dev cluster started",
            {{"address", address()}, {"pod_addresses", node_ ? node_->address_range() : "none"}});
  return {};
}

void DevCluster::stop(std::function<void()> done) {
  const auto stop_server = [this, done = std::move(done)] { server_.stop(done); };
  if (node_) {
    node_->stop(options_.shutdown_grace, stop_server);
  } else {
    stop_server();
  }
}

}  // namespace berth::devcluster
