#include "operator/render/worker_pod.h"

#include <algorithm>
#include <utility>

#include "berth/auth/session_token.h"
#include "berth/base/duration.h"

namespace berth::op {
namespace {

constexpr const char* kStateDir = "/var/lib/berth/state";
constexpr const char* kSessionDir = "/var/lib/berth/sessions";
constexpr const char* kKeysDir = "/var/run/berth/keys";
constexpr const char* kTlsDir = "/var/run/berth/tls";

Json& child(Json& object, const char* key, Json empty) {
  if (!object.contains(key) || object[key].is_null()) {
    object[key] = std::move(empty);
  }
  return object[key];
}

bool has_named(const Json& list, const std::string& key, const std::string& value) {
  for (const Json& item : list) {
    if (get_string(item, key) == value) {
      return true;
    }
  }
  return false;
}

// What the template says wins: a user may bring a volume or a variable of our name.
void add_named(Json& list, const std::string& key, Json item) {
  if (!has_named(list, key, item[key].get<std::string>())) {
    list.push_back(std::move(item));
  }
}

void add_env(Json& env, const char* name, std::string value) {
  add_named(env, "name", {{"name", name}, {"value", std::move(value)}});
}

void add_field_env(Json& env, const char* name, const char* path) {
  add_named(env, "name", {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}});
}

Json& worker_container(Json& spec) {
  Json& containers = child(spec, "containers", Json::array());
  for (Json& c : containers) {
    if (get_string(c, "name") == api::kWorkerContainer) {
      return c;
    }
  }
  containers.push_back({{"name", api::kWorkerContainer}});
  return containers.back();
}

void add_members(Json& object, const Json& defaults) {
  for (const auto& [key, value] : defaults.items()) {
    if (find(object, key) == nullptr) {
      object[key] = value;
    }
  }
}

void fill_container(Json& c, const api::SessionPool& pool, const RenderSettings& settings) {
  if (find(c, "image") == nullptr) {
    c["image"] = pool.worker_image.empty() ? settings.default_worker_image : pool.worker_image;
  }
  if (!pool.worker_resources.is_null()) {
    c["resources"] = pool.worker_resources;
  }
  Json& env = child(c, "env", Json::array());
  add_env(env, "BERTH_POOL", pool.name);
  add_field_env(env, "BERTH_NAMESPACE", "metadata.namespace");
  add_field_env(env, "BERTH_POD_NAME", "metadata.name");
  add_field_env(env, "BERTH_POD_UID", "metadata.uid");
  add_field_env(env, "BERTH_ADVERTISE_HOST", "status.podIP");
  add_env(env, "BERTH_STATE_DIR", kStateDir);
  add_env(env, "BERTH_SESSION_DIR", kSessionDir);
  add_env(env, "BERTH_JWKS", std::string(kKeysDir) + "/jwks.json");
  add_env(env, "BERTH_GRACE_SECONDS",
          std::to_string(std::chrono::ceil<std::chrono::seconds>(pool.drain.timeout).count()));
  add_env(env, "BERTH_WORKER_CONFIG", dump_json(api::to_json(pool.worker)));

  Json& ports = child(c, "ports", Json::array());
  add_named(ports, "name", {{"name", "sessions"}, {"containerPort", api::kWorkerPort}});
  add_named(ports, "name", {{"name", "probes"}, {"containerPort", api::kWorkerProbePort}});
  if (find(c, "readinessProbe") == nullptr) {
    c["readinessProbe"] = {{"httpGet", {{"path", "/readyz"}, {"port", api::kWorkerProbePort}}},
                           {"periodSeconds", 1},
                           {"failureThreshold", 3}};
  }
  add_members(child(c, "securityContext", Json::object()), {{"allowPrivilegeEscalation", false},
                                                            {"readOnlyRootFilesystem", true},
                                                            {"capabilities", {{"drop", {"ALL"}}}}});
  Json& mounts = child(c, "volumeMounts", Json::array());
  add_named(mounts, "name", {{"name", "berth-tmp"}, {"mountPath", "/tmp"}});
  add_named(mounts, "name", {{"name", "berth-state"}, {"mountPath", kStateDir}});
  add_named(mounts, "name", {{"name", "berth-sessions"}, {"mountPath", kSessionDir}});
  add_named(mounts, "name", {{"name", "berth-keys"}, {"mountPath", kKeysDir}, {"readOnly", true}});
}

// By the names that Secrets of type kubernetes.io/tls have inside. No subPath: it would not follow
// a changed Secret. Readable for all in the container: it belongs to root, the worker runs as
// somebody else, and a group of the pod's own (fsGroup) is not everywhere ours to choose.
void serve_tls(Json& pod, Json& container, const std::string& secret) {
  pod["metadata"]["annotations"][api::kTlsAnnotation] = "true";
  add_env(container["env"], "BERTH_TLS_CERTIFICATE", std::string(kTlsDir) + "/tls.crt");
  add_env(container["env"], "BERTH_TLS_KEY", std::string(kTlsDir) + "/tls.key");
  add_named(container["volumeMounts"], "name",
            {{"name", "berth-tls"}, {"mountPath", kTlsDir}, {"readOnly", true}});
  add_named(child(pod["spec"], "volumes", Json::array()), "name",
            {{"name", "berth-tls"}, {"secret", {{"secretName", secret}, {"defaultMode", 0444}}}});
}

void add_annotations(Json& metadata) {
  Json& annotations = child(metadata, "annotations", Json::object());
  for (const auto& [key, value] :
       {std::pair("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        std::pair("karpenter.sh/do-not-disrupt", "true")}) {
    if (!annotations.contains(key)) {
      annotations[key] = value;
    }
  }
}

// A toleration without a key tolerates everything, one without an effect every effect.
bool tolerates(const Json& tolerations, const std::string& key) {
  return std::any_of(tolerations.begin(), tolerations.end(), [&](const Json& t) {
    const std::string its_key = get_string(t, "key").value_or("");
    const std::string effect = get_string(t, "effect").value_or("");
    return (its_key.empty() || its_key == key) && (effect.empty() || effect == "NoExecute");
  });
}

void add_tolerations(Json& spec, std::int64_t seconds) {
  Json& tolerations = child(spec, "tolerations", Json::array());
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    if (!tolerates(tolerations, key)) {
      tolerations.push_back({{"key", key},
                             {"operator", "Exists"},
                             {"effect", "NoExecute"},
                             {"tolerationSeconds", seconds}});
    }
  }
}

// The worker's /drained answers when its sessions have ended (worker/api/probe_routes.cc).
void add_pre_stop(Json& container) {
  Json& lifecycle = child(container, "lifecycle", Json::object());
  if (find(lifecycle, "preStop") == nullptr) {
    lifecycle["preStop"] = {{"httpGet", {{"path", "/drained"}, {"port", api::kWorkerProbePort}}}};
  }
}

}  // namespace

std::string pool_revision(const api::SessionPool& pool) {
  // Keys of a Json object are sorted, so equal content gives equal text.
  Json content = {{"render", kRenderVersion},
                  {"template", pool.pod_template},
                  {"image", pool.worker_image},
                  {"resources", pool.worker_resources},
                  {"worker", api::to_json(pool.worker)}};
  // Only where it is used: a pool without it keeps the revision that it had before there was TLS.
  if (!pool.worker_tls_secret.empty()) {
    content["tls"] = pool.worker_tls_secret;
  }
  return auth::sha256_hex(dump_json(content)).substr(0, 10);
}

Json render_worker_pod(const api::SessionPool& pool, const std::string& name,
                       const RenderSettings& settings) {
  Json pod = pool.pod_template.is_object() ? pool.pod_template : Json::object();
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  Json& metadata = child(pod, "metadata", Json::object());
  metadata["name"] = name;
  metadata["namespace"] = pool.ns;
  Json& labels = child(metadata, "labels", Json::object());
  labels[api::kPoolLabel] = pool.name;
  labels[api::kRevisionLabel] = pool_revision(pool);
  metadata["ownerReferences"] = Json::array({{{"apiVersion", "berth.dev/v1alpha1"},
                                              {"kind", api::kPoolKind},
                                              {"name", pool.name},
                                              {"uid", pool.uid},
                                              {"controller", true},
                                              {"blockOwnerDeletion", true}}});
  add_annotations(metadata);
  Json& spec = child(pod, "spec", Json::object());
  const std::int64_t grace = std::chrono::ceil<std::chrono::seconds>(pool.drain.timeout).count();
  spec["restartPolicy"] = "Always";
  spec["terminationGracePeriodSeconds"] = grace;
  add_tolerations(spec, grace);
  // The worker itself never talks to the Kubernetes API.
  add_members(spec, {{"automountServiceAccountToken", false}});
  add_members(child(spec, "securityContext", Json::object()),
              {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}});
  Json& worker = worker_container(spec);
  fill_container(worker, pool, settings);
  if (!pool.worker_tls_secret.empty()) {
    serve_tls(pod, worker, pool.worker_tls_secret);
  }
  for (Json& c : spec["containers"]) {
    if (get_string(c, "name") != api::kWorkerContainer) {
      add_pre_stop(c);
    }
  }
  Json& volumes = child(spec, "volumes", Json::array());
  add_named(volumes, "name", {{"name", "berth-tmp"}, {"emptyDir", Json::object()}});
  add_named(volumes, "name", {{"name", "berth-state"}, {"emptyDir", Json::object()}});
  add_named(volumes, "name", {{"name", "berth-sessions"}, {"emptyDir", Json::object()}});
  add_named(volumes, "name",
            {{"name", "berth-keys"}, {"configMap", {{"name", settings.keys_config_map}}}});
  return pod;
}

}  // namespace berth::op
