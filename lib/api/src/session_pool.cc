#include "berth/api/session_pool.h"

#include <algorithm>

#include "lib/api/src/fields.h"
#include "lib/api/src/scaling_spec.h"

namespace berth::api {
namespace {

constexpr std::size_t kMaxPoolName = 50;

bool is_dns_label(std::string_view text, std::size_t max) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= max && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return alnum(c) || c == '-'; });
}

std::string label_error(std::size_t max) {
  return "must be 1 to " + std::to_string(max) +
         " characters of a-z, 0-9 and '-', beginning and ending with a letter or digit";
}

Status read_metadata(const Json& metadata, SessionPool& out) {
  FieldReader r(metadata, "metadata");
  r.allow_unknown();
  r.required("name", out.name);
  if (!is_dns_label(out.name, kMaxPoolName)) {
    r.error("name", label_error(kMaxPoolName) + "; pod names are made from it");
  }
  r.optional("namespace", out.ns);
  if (!out.ns.empty() && !is_dns_label(out.ns, 63)) {
    r.error("namespace", label_error(63));
  }
  r.optional("uid", out.uid);
  r.optional("resourceVersion", out.resource_version);
  r.optional("generation", out.generation, 0, kMaxCount);
  out.deleting = r.take("deletionTimestamp") != nullptr;
  if (const Json* annotations = r.object("annotations")) {
    out.force_delete =
        get_string(*annotations, kForceDeleteAnnotation).value_or("false") != "false";
  }
  if (const Json* finalizers = r.array("finalizers")) {
    for (const Json& f : *finalizers) {
      if (!f.is_string()) {
        r.error("finalizers", "must be a list of strings");
        break;
      }
      out.finalizers.push_back(f.get<std::string>());
    }
  }
  return r.finish();
}

// A label of ours would be overwritten; an annotation that drains one worker would drain them all
// as soon as they are made.
Status keep_our_words_out(const Json& metadata, std::string_view key, const std::string& path) {
  const Json* words = find(metadata, key);
  if (words == nullptr || !words->is_object()) {
    return {};
  }
  for (const auto& [name, value] : words->items()) {
    if (name.starts_with(std::string(kGroup) + "/")) {
      return fail(Error::invalid(path + "." + std::string(key),
                                 "must hold no " + name.substr(0, 128) + ": " + std::string(key) +
                                     " under berth.dev/ are the operator's; leave them out"));
    }
  }
  return {};
}

// The rest of a pod is the API server's to judge.
Status read_template(const Json& pod_template, const std::string& path, SessionPool& out) {
  FieldReader r(pod_template, path);
  const Json* metadata = r.object("metadata");
  const Json* spec = r.object("spec");
  BERTH_TRY(r.finish());
  if (metadata != nullptr) {
    BERTH_TRY(keep_our_words_out(*metadata, "labels", path + ".metadata"));
    BERTH_TRY(keep_our_words_out(*metadata, "annotations", path + ".metadata"));
  }
  if (spec != nullptr && get_string(*spec, "restartPolicy").value_or("Always") != "Always") {
    return fail(Error::invalid(path + ".spec.restartPolicy",
                               "must be Always: sessions go on in the restarted container; "
                               "leave it out"));
  }
  if (spec != nullptr && find(*spec, "terminationGracePeriodSeconds") != nullptr) {
    return fail(Error::invalid(path + ".spec.terminationGracePeriodSeconds",
                               "follows spec.drain.timeout; set that instead and leave this out"));
  }
  out.pod_template = pod_template;
  return {};
}

Status read_worker_tls(const Json& tls, const std::string& path, SessionPool& out) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  FieldReader r(tls, path);
  bounded(r, "secretName", out.worker_tls_secret, 253);
  BERTH_TRY(r.finish());
  if (out.worker_tls_secret.empty() ||
      out.worker_tls_secret.find_first_not_of(kAllowed) != std::string::npos) {
    return fail(
        Error::invalid(r.path_of("secretName"),
                       "must name a Secret of type kubernetes.io/tls in the pool's namespace"));
  }
  return {};
}

Status read_worker(const Json& worker, const std::string& path, SessionPool& out) {
  FieldReader r(worker, path);
  bounded(r, "image", out.worker_image, 1024);
  if (out.worker_image.find_first_of(" \t\r\n") != std::string::npos) {
    r.error("image", "must not contain white space");
  }
  if (const Json* resources = r.object("resources")) {
    out.worker_resources = *resources;
  }
  r.optional("exec", out.worker.exec);
  const Json* activities = r.array("activities");
  const Json* tls = r.object("tls");
  BERTH_TRY(r.finish());
  if (tls != nullptr) {
    BERTH_TRY(read_worker_tls(*tls, r.path_of("tls"), out));
  }
  if (activities != nullptr) {
    BERTH_ASSIGN(out.worker.activities, parse_activities(*activities, r.path_of("activities")));
  }
  return {};
}

Status read_spec(const Json& spec, SessionPool& out) {
  FieldReader r(spec, "spec");
  const auto required = [&](std::string_view key) {
    const Json* v = r.object(key);
    if (v == nullptr) {
      r.error(key, "is required");
    }
    return v;
  };
  const Json* pod_template = r.object("template");
  const Json* worker = r.object("worker");
  const Json* sessions = required("sessions");
  const Json* scaling = required("scaling");
  std::int64_t workers = -1;
  r.optional("workers", workers, 0, 100'000);
  if (workers >= 0) {
    out.workers = workers;
  }
  const Json* rollout = r.object("rollout");
  const Json* drain = r.object("drain");
  BERTH_TRY(r.finish());
  if (pod_template != nullptr) {
    BERTH_TRY(read_template(*pod_template, r.path_of("template"), out));
  }
  if (worker != nullptr) {
    BERTH_TRY(read_worker(*worker, r.path_of("worker"), out));
  }
  BERTH_ASSIGN(out.worker.sessions, parse_sessions_spec(*sessions, r.path_of("sessions")));
  BERTH_ASSIGN(out.scaling, parse_scaling(*scaling, r.path_of("scaling")));
  if (rollout != nullptr) {
    BERTH_ASSIGN(out.rollout, parse_rollout(*rollout, r.path_of("rollout")));
  }
  if (drain != nullptr) {
    BERTH_ASSIGN(out.drain, parse_drain(*drain, r.path_of("drain")));
  }
  return {};
}

// Elements of a list may come without them; when they are there they must be ours.
void expect(FieldReader& r, std::string_view key, const std::string& wanted) {
  std::string text = wanted;
  r.optional(key, text);
  if (text != wanted) {
    r.error(key, "must be " + wanted + ", is '" + text.substr(0, 128) + "'");
  }
}

}  // namespace

Result<SessionPool> SessionPool::parse(const Json& object) {
  SessionPool out;
  FieldReader r(object, "");
  expect(r, "apiVersion", std::string(kGroup) + "/" + kVersion);
  expect(r, "kind", kPoolKind);
  const Json* metadata = r.object("metadata");
  const Json* spec = r.object("spec");
  if (metadata == nullptr) {
    r.error("metadata", "is required");
  }
  if (spec == nullptr) {
    r.error("spec", "is required");
  }
  if (const Json* status = r.object("status")) {
    out.status = *status;
  }
  BERTH_TRY(r.finish());
  BERTH_TRY(read_metadata(*metadata, out));
  BERTH_TRY(read_spec(*spec, out));
  return out;
}

}  // namespace berth::api
