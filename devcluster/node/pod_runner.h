#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "berth/http/transport.h"
#include "berth/observe/log.h"
#include "devcluster/apiserver/store.h"
#include "devcluster/node/container.h"
#include "devcluster/node/process_plan.h"

namespace berth::devcluster {

/// What all pods of a node share. Outlives them.
struct NodeContext {
  AsioLoop& loop;
  Store& store;
  http::Transport& transport;
  Log log;
  ImageSettings images;
  RestartBackoff backoff;
  std::filesystem::path data_dir;
  std::string host_ip;
  std::uint64_t log_bytes = 8u << 20;
};

/// Runs one pod that is bound to this node: volumes, containers, status, and its end. Known by its
/// uid. Loop thread only.
///
/// When the pod has a deletionTimestamp and its last process is gone, it deletes the object for
/// good.
class PodRunner {
 public:
  /// `on_finished` runs (possibly more than once) when finished() may have become true.
  PodRunner(NodeContext& context, const Json& pod, std::string ip,
            std::function<void()> on_finished);
  ~PodRunner();  ///< Kills what runs and removes the pod's files.
  PodRunner(const PodRunner&) = delete;
  PodRunner& operator=(const PodRunner&) = delete;

  void start();
  /// A newer version of the pod: a deletion, a shorter grace, changed annotations.
  void update(const Json& pod);
  /// A ConfigMap or Secret has changed.
  void config_changed(const std::string& plural, const std::string& name);
  /// Ends the containers, each within `grace`; nothing is restarted.
  void stop(Duration grace);
  void stop_sooner();

  bool finished() const;
  const std::string& ip() const { return ip_; }
  const std::string& name() const { return key_.name; }
  /// The pod's own terminationGracePeriodSeconds.
  Duration own_grace() const;
  /// Null for an unknown container; the only one's when the name is empty.
  LogFile* log_of(const std::string& container);

 private:
  void add_container(const Json& spec);
  Result<ProcessSpec> prepare(const Json& spec);
  void add_probe(const Json& spec, Container::Setup& setup);
  void changed();
  void publish();
  std::string phase() const;
  Json conditions(const Json& before) const;
  void confirm_deletion();
  void tell_mount_failed(const std::string& why);

  NodeContext& context_;
  const ObjectKey key_;
  const std::string uid_;
  const std::string ip_;
  Json pod_;
  const std::function<void()> on_finished_;
  std::filesystem::path root_;
  PodVolumes volumes_;
  std::string started_;
  std::map<std::string, std::unique_ptr<LogFile>> logs_;
  std::vector<std::unique_ptr<Container>> containers_;
  std::string mount_failure_;  ///< The last that was told.
  bool deleting_ = false;
  bool confirmed_ = false;
  Cancel publish_timer_;
};

}  // namespace berth::devcluster
