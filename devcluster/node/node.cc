#include "devcluster/node/node.h"

#include <algorithm>
#include <system_error>

namespace berth::devcluster {

namespace fs = std::filesystem;

Node::Node(AsioLoop& loop, Store& store, http::Transport& transport, Log log, NodeOptions options)
    : context_{loop,
               store,
               transport,
               std::move(log),
               options.images,
               options.backoff,
               options.data_dir,
               "",
               options.log_bytes},
      options_(std::move(options)) {}

Node::~Node() = default;

Status Node::start() {
  BERTH_ASSIGN(range_, AddressRange::claim());
  context_.host_ip = range_->host();
  std::error_code ec;
  fs::remove_all(options_.data_dir / "pods", ec);
  fs::create_directories(options_.data_dir / "pods", ec);
  if (ec) {
    return fail(Error::from_errno(ec.value(), "making " + (options_.data_dir / "pods").string()));
  }
  BERTH_ASSIGN(pods_dir_, PlainPath::to(options_.data_dir));
  context_.data_dir = pods_dir_.path();
  BERTH_TRY(register_node());
  subscription_ = context_.store.subscribe(nullptr, [this](const WatchEvent& e) { note(e); });
  if (const auto pods = context_.store.list(type_of("pods"), ListQuery())) {
    for (const ObjectPtr& pod : pods->items) {
      note({WatchEvent::Kind::kAdded, &type_of("pods"), 0, pod});
    }
  }
  return {};
}

Status Node::register_node() {
  const ResourceType& type = type_of("nodes");
  const Json object = {
      {"metadata",
       {{"name", options_.name}, {"labels", {{"kubernetes.io/hostname", options_.name}}}}},
      {"spec", Json::object()}};
  if (const auto made = context_.store.create(type, "", object); !made) {
    return fail(Error::internal("registering the node: " + made.error().message));
  }
  const std::string now = api_time(context_.loop.clock().wall_now());
  const Json capacity = {{"pods", std::to_string(options_.max_pods)}};
  const Json status = {{"capacity", capacity},
                       {"allocatable", capacity},
                       {"addresses",
                        {{{"type", "InternalIP"}, {"address", context_.host_ip}},
                         {{"type", "Hostname"}, {"address", options_.name}}}},
                       {"conditions", Json::array({{{"type", "Ready"},
                                                    {"status", "True"},
                                                    {"reason", "BerthDev"},
                                                    {"message", "pods run as child processes"},
                                                    {"lastTransitionTime", now},
                                                    {"lastHeartbeatTime", now}}})}};
  const auto written = context_.store.edit(type, {"", options_.name},
                                           [&](const Json& current) -> ApiResult<Json> {
                                             Json next = current;
                                             next["status"] = status;
                                             return next;
                                           },
                                           {.part = Part::kStatus});
  if (!written) {
    return fail(Error::internal("writing the node's status: " + written.error().message));
  }
  return {};
}

void Node::note(const WatchEvent& event) {
  const ObjectKey key = key_of(*event.object);
  if (event.type->kind == "Pod") {
    if (event.kind == WatchEvent::Kind::kDeleted) {
      gone_.insert(string_at(*event.object, {"metadata", "uid"}));
    }
    dirty_pods_.emplace(key.ns, key.name);
  } else if (event.type->kind == "ConfigMap" || event.type->kind == "Secret") {
    dirty_config_.emplace(event.type->plural, key.name);
  } else {
    return;
  }
  wake();
}

void Node::wake() {
  if (!wake_) {
    wake_ = context_.loop.call_after(Duration(0), [this] {
      wake_.release();
      sync();
    });
  }
}

void Node::sync() {
  const bool room_again = std::exchange(retry_waiting_, false) || !gone_.empty();
  for (const std::string& uid : std::exchange(gone_, {})) {
    drop(uid);
  }
  for (const auto& [plural, name] : std::exchange(dirty_config_, {})) {
    for (const auto& [uid, runner] : runners_) {
      runner->config_changed(plural, name);
    }
  }
  if (room_again) {
    for (const std::string& key : std::exchange(waiting_, {})) {
      const std::size_t slash = key.find('/');
      dirty_pods_.emplace(key.substr(0, slash), key.substr(slash + 1));
    }
  }
  for (const auto& [ns, name] : std::exchange(dirty_pods_, {})) {
    sync_pod({ns, name});
  }
}

void Node::sync_pod(const ObjectKey& key) {
  const auto found = context_.store.get(type_of("pods"), key);
  if (!found || stopping_) {
    return;
  }
  const Json& pod = **found;
  const std::string uid = string_at(pod, {"metadata", "uid"});
  const std::string node = string_at(pod, {"spec", "nodeName"});
  const std::string phase = string_at(pod, {"status", "phase"});
  const bool deleting = find_path(pod, {"metadata", "deletionTimestamp"}) != nullptr;
  if (const auto it = runners_.find(uid); it != runners_.end()) {
    it->second->update(pod);
    return;
  }
  if (node.empty()) {
    if (!deleting) {
      bind(pod);
    }
    return;
  }
  if (node == options_.name && phase != "Succeeded" && phase != "Failed" && !deleting) {
    run(pod, uid);
  } else if (node == options_.name && deleting) {
    // Deleted before it was ever run here.
    DeleteQuery query;
    query.grace_seconds = 0;
    query.uid = uid;
    (void)context_.store.remove(type_of("pods"), key, query);
  }
}

std::size_t Node::unfinished() const {
  return static_cast<std::size_t>(std::count_if(
      runners_.begin(), runners_.end(), [](const auto& r) { return !r.second->finished(); }));
}

void Node::bind(const Json& pod) {
  const ObjectKey key = key_of(pod);
  if (unfinished() >= options_.max_pods) {
    if (waiting_.insert(map_key(key)).second) {
      mark_unschedulable(pod);
    }
    return;
  }
  const auto bound = context_.store.edit(type_of("pods"), key,
                                         [&](const Json& current) -> ApiResult<Json> {
                                           Json next = current;
                                           next["spec"]["nodeName"] = options_.name;
                                           return next;
                                         },
                                         {});
  if (!bound) {
    context_.log.error("pod not bound", {{"pod", key.name}, {"error", bound.error().message}});
    return;
  }
  run(**bound, string_at(pod, {"metadata", "uid"}));
}

void Node::mark_unschedulable(const Json& pod) {
  const std::string now = api_time(context_.loop.clock().wall_now());
  (void)context_.store.edit(type_of("pods"), key_of(pod),
                            [&](const Json& current) -> ApiResult<Json> {
                              Json next = current;
                              next["status"]["conditions"] = Json::array(
                                  {{{"type", "PodScheduled"},
                                    {"status", "False"},
                                    {"reason", "Unschedulable"},
                                    {"message", "0/1 nodes are available: 1 Too many pods."},
                                    {"lastTransitionTime", now}}});
                              return next;
                            },
                            {.part = Part::kStatus});
}

void Node::run(const Json& pod, const std::string& uid) {
  auto ip = range_->take();
  if (!ip) {
    context_.log.error("no loopback address left for a pod",
                       {{"pod", string_at(pod, {"metadata", "name"})}});
    return;
  }
  auto runner =
      std::make_unique<PodRunner>(context_, pod, std::move(*ip), [this] { pod_finished(); });
  PodRunner& started = *runner;
  runners_.emplace(uid, std::move(runner));
  started.start();
}

void Node::drop(const std::string& uid) {
  if (const auto it = runners_.find(uid); it != runners_.end()) {
    const std::string ip = it->second->ip();
    runners_.erase(it);
    range_->give_back(ip);
  }
}

void Node::stop(Duration max_grace, std::function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  for (const auto& [uid, runner] : runners_) {
    runner->stop(std::min(runner->own_grace(), max_grace));
  }
  half_time_ = context_.loop.call_after(max_grace / 2, [this] {
    for (const auto& [uid, runner] : runners_) {
      runner->stop_sooner();
    }
  });
  check_stopped();
}

void Node::pod_finished() {
  if (!waiting_.empty()) {
    retry_waiting_ = true;
    wake();
  }
  check_stopped();
}

void Node::check_stopped() {
  const bool all = std::all_of(runners_.begin(), runners_.end(),
                               [](const auto& r) { return r.second->finished(); });
  if (stopped_ && all) {
    context_.loop.post(std::exchange(stopped_, nullptr));
  }
}

}  // namespace berth::devcluster
