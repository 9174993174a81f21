#include "devcluster/node/pod_runner.h"

#include <algorithm>
#include <system_error>

namespace berth::devcluster {

namespace fs = std::filesystem;

namespace {

RestartPolicy policy_of(const Json& pod) {
  const std::string text = string_at(pod, {"spec", "restartPolicy"});
  return text == "Never"       ? RestartPolicy::kNever
         : text == "OnFailure" ? RestartPolicy::kOnFailure
                               : RestartPolicy::kAlways;
}

Json condition(const Json& before, const char* type, bool on, const std::string& reason,
               const std::string& message, const std::string& now) {
  Json c = {{"type", type}, {"status", on ? "True" : "False"}, {"lastTransitionTime", now}};
  if (!reason.empty()) {
    c["reason"] = reason;
    c["message"] = message;
  }
  for (std::size_t i = 0; before.is_array() && i < before.size(); ++i) {
    if (get_string(before[i], "type") == type && before[i].at("status") == c["status"]) {
      c["lastTransitionTime"] = before[i].at("lastTransitionTime");
    }
  }
  return c;
}

}  // namespace

PodRunner::PodRunner(NodeContext& context, const Json& pod, std::string ip,
                     std::function<void()> on_finished)
    : context_(context),
      key_(key_of(pod)),
      uid_(string_at(pod, {"metadata", "uid"})),
      ip_(std::move(ip)),
      pod_(pod),
      on_finished_(std::move(on_finished)),
      root_(context.data_dir / "pods" / uid_),
      volumes_(pod_, root_, context.store),
      started_(api_time(context.loop.clock().wall_now())) {
  pod_["status"]["podIP"] = ip_;
  pod_["status"]["hostIP"] = context_.host_ip;
  for (const Json& spec : pod_.at("spec").at("containers")) {
    add_container(spec);
  }
}

PodRunner::~PodRunner() {
  containers_.clear();
  volumes_.remove();
}

void PodRunner::add_container(const Json& spec) {
  const std::string name = get_string(spec, "name").value_or("");
  auto& log = logs_[name];
  log = std::make_unique<LogFile>(root_ / "logs" / (name + ".log"), context_.log_bytes);
  Container::Setup setup;
  setup.name = name;
  setup.image = get_string(spec, "image").value_or("");
  setup.policy = policy_of(pod_);
  setup.backoff = context_.backoff;
  setup.prepare = [this, spec] { return prepare(spec); };
  setup.on_change = [this] { changed(); };
  add_probe(spec, setup);
  containers_.push_back(std::make_unique<Container>(context_.loop, *log, std::move(setup)));
}

void PodRunner::add_probe(const Json& spec, Container::Setup& setup) {
  const Json* probe = find(spec, "readinessProbe");
  if (probe == nullptr) {
    return;
  }
  setup.probe_settings = ProbeSettings::parse(*probe);
  auto attempt = make_probe_attempt(
      context_.loop, context_.transport, *probe, spec, ip_,
      [this, spec](const std::vector<std::string>& argv,
                   ChildProcess::Events events) -> Result<std::unique_ptr<ChildProcess>> {
        BERTH_ASSIGN(ProcessSpec plan, prepare(spec));
        BERTH_ASSIGN(plan, with_command(std::move(plan), argv));
        return ChildProcess::start(context_.loop, plan, std::move(events));
      });
  if (attempt) {
    setup.probe = std::move(*attempt);
    return;
  }
  // A probe that cannot be asked never succeeds; the container does not start, so that somebody
  // sees why.
  setup.prepare = [error = attempt.error()]() -> Result<ProcessSpec> {
    Error e = error;
    e.reason = "CreateContainerConfigError";
    return fail(std::move(e));
  };
}

Result<ProcessSpec> PodRunner::prepare(const Json& spec) {
  const auto refuse = [](Error error, const char* reason) {
    error.reason = reason;
    return fail(std::move(error));
  };
  const Json* init = find_path(pod_, {"spec", "initContainers"});
  if (init != nullptr && !init->empty()) {
    return refuse(Error::invalid("spec.initContainers", "berth dev does not run init containers"),
                  "CreateContainerConfigError");
  }
  std::error_code ec;
  const fs::path working_dir = root_ / "containers" / get_string(spec, "name").value_or("");
  fs::create_directories(working_dir, ec);
  fs::create_directories(root_ / "logs", ec);
  if (ec) {
    return refuse(Error::from_errno(ec.value(), "making " + working_dir.string()),
                  "CreateContainerError");
  }
  if (const auto synced = volumes_.sync(); !synced) {
    const bool absent = synced.error().code == ErrorCode::kNotFound;
    tell_mount_failed(synced.error().message);
    return refuse(synced.error(), absent ? "ContainerCreating" : "CreateContainerConfigError");
  }
  const auto config = [this](std::string_view plural, const std::string& name,
                             const std::string& key) -> Result<std::string> {
    BERTH_ASSIGN(const auto files, config_files(context_.store, plural, key_.ns, name));
    const auto it = files.find(key);
    if (it == files.end()) {
      return fail(Error::make(ErrorCode::kNotFound, "NotFound",
                              "there is no key \"" + key + "\" in " + name));
    }
    return it->second;
  };
  return plan_process(pod_, spec, context_.images, volumes_, config, working_dir);
}

void PodRunner::start() {
  for (const auto& container : containers_) {
    container->start();
  }
  changed();
}

void PodRunner::update(const Json& pod) {
  pod_["metadata"] = pod.at("metadata");
  if (find_path(pod, {"metadata", "deletionTimestamp"}) == nullptr) {
    return;
  }
  deleting_ = true;
  stop(std::chrono::seconds(get_int(pod.at("metadata"), "deletionGracePeriodSeconds").value_or(0)));
  changed();
}

void PodRunner::config_changed(const std::string& plural, const std::string& name) {
  if (volumes_.uses(plural, name)) {
    if (const auto synced = volumes_.sync(); !synced) {
      context_.log.warn("volume not updated", {{"pod", key_.name}, {"error", synced.error()}});
    }
  }
  for (const auto& container : containers_) {
    container->poke();
  }
}

void PodRunner::stop(Duration grace) {
  for (const auto& container : containers_) {
    container->stop(grace);
  }
}

void PodRunner::stop_sooner() {
  for (const auto& container : containers_) {
    container->stop_sooner();
  }
}

bool PodRunner::finished() const {
  return std::all_of(containers_.begin(), containers_.end(),
                     [](const auto& c) { return c->finished(); });
}

Duration PodRunner::own_grace() const {
  return std::chrono::seconds(
      get_int(pod_.at("spec"), "terminationGracePeriodSeconds").value_or(30));
}

LogFile* PodRunner::log_of(const std::string& container) {
  if (container.empty() && logs_.size() == 1) {
    return logs_.begin()->second.get();
  }
  const auto it = logs_.find(container);
  return it == logs_.end() ? nullptr : it->second.get();
}

void PodRunner::changed() {
  if (!publish_timer_) {
    publish_timer_ = context_.loop.call_after(Duration(0), [this] {
      publish_timer_.release();
      publish();
    });
  }
}

std::string PodRunner::phase() const {
  if (finished()) {
    const bool failed = std::any_of(containers_.begin(), containers_.end(), [](const auto& c) {
      return c->failed() || !c->ever_started();
    });
    return failed ? "Failed" : "Succeeded";
  }
  const bool all_started = std::all_of(containers_.begin(), containers_.end(),
                                       [](const auto& c) { return c->ever_started(); });
  return all_started ? "Running" : "Pending";
}

Json PodRunner::conditions(const Json& before) const {
  const std::string now = api_time(context_.loop.clock().wall_now());
  std::string unready;
  for (const auto& c : containers_) {
    if (!c->ready()) {
      unready += (unready.empty() ? "" : " ") + c->status().at("name").get<std::string>();
    }
  }
  const bool ready = unready.empty();
  const std::string reason = ready ? "" : "ContainersNotReady";
  const std::string message = "containers with unready status: [" + unready + "]";
  Json ours = {condition(before, "PodScheduled", true, "", "", now),
               condition(before, "Initialized", true, "", "", now),
               condition(before, "ContainersReady", ready, reason, message, now),
               condition(before, "Ready", ready, reason, message, now)};
  // What others have written (DisruptionTarget, readiness gates) stays.
  for (std::size_t i = 0; before.is_array() && i < before.size(); ++i) {
    const bool known = std::any_of(ours.begin(), ours.end(), [&](const Json& c) {
      return get_string(c, "type") == get_string(before[i], "type");
    });
    if (!known) {
      ours.push_back(before[i]);
    }
  }
  return ours;
}

void PodRunner::publish() {
  const auto written = context_.store.edit(
      type_of("pods"), key_,
      [&](const Json& current) -> ApiResult<Json> {
        Json next = current;
        next["metadata"]["uid"] = uid_;  // Another pod of this name is none of ours.
        Json& status = next["status"];
        const Json before = status.contains("conditions") ? status["conditions"] : Json::array();
        status["phase"] = phase();
        status["conditions"] = conditions(before);
        status["hostIP"] = context_.host_ip;
        status["podIP"] = ip_;
        status["podIPs"] = Json::array({{{"ip", ip_}}});
        status["startTime"] = started_;
        status["qosClass"] = "BestEffort";
        status["containerStatuses"] = Json::array();
        for (const auto& c : containers_) {
          status["containerStatuses"].push_back(c->status());
        }
        return next;
      },
      {.part = Part::kStatus});
  if (!written && written.error().code != 404 && written.error().code != 409) {
    context_.log.error("pod status not written",
                       {{"pod", key_.name}, {"error", written.error().message}});
  }
  if (finished()) {
    if (deleting_) {
      confirm_deletion();
    }
    on_finished_();
  }
}

// As a kubelet does: the status of a pod that waits for a volume does not say for which.
void PodRunner::tell_mount_failed(const std::string& why) {
  if (std::exchange(mount_failure_, why) == why) {
    return;
  }
  const std::string now = api_time(context_.loop.clock().wall_now());
  const Json event = {{"metadata", {{"generateName", key_.name + "."}, {"namespace", key_.ns}}},
                      {"eventTime", now},
                      {"reportingController", "kubelet"},
                      {"reportingInstance", "berth-dev"},
                      {"action", "FailedMount"},
                      {"reason", "FailedMount"},
                      {"type", "Warning"},
                      {"note", why},
                      {"regarding",
                       {{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"namespace", key_.ns},
                        {"name", key_.name},
                        {"uid", uid_}}}};
  if (const auto made = context_.store.create(type_of("events"), key_.ns, event); !made) {
    context_.log.warn("event not written", {{"error", made.error().message}});
  }
}

void PodRunner::confirm_deletion() {
  if (std::exchange(confirmed_, true)) {
    return;
  }
  DeleteQuery query;
  query.grace_seconds = 0;
  query.uid = uid_;
  // Gone already is what we want; finalizers may keep the object, and that is right too.
  (void)context_.store.remove(type_of("pods"), key_, query);
}

}  // namespace berth::devcluster
