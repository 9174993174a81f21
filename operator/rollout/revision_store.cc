#include "operator/rollout/revision_store.h"

#include "berth/base/duration.h"
#include "berth/kube/object.h"
#include "operator/render/worker_pod.h"

namespace berth::op {
namespace {

constexpr kube::ResourceType kRevisions{"apps", "v1", "controllerrevisions", "ControllerRevision"};
constexpr Duration kTryAgain = std::chrono::minutes(1);

std::string object_name(const std::string& pool, const std::string& revision) {
  return pool + "-" + revision;
}

// Only what a worker is made of; the rest of a pool has no say in it.
Json spec_of(const api::SessionPool& pool) {
  Json spec = {{"worker",
                {{"exec", pool.worker.exec}, {"activities", api::to_json(pool.worker.activities)}}},
               {"sessions", api::to_json(pool.worker.sessions)},
               {"scaling", {{"maxWorkers", 1}}},
               {"drain", {{"timeout", format_duration(pool.drain.timeout)}}}};
  if (!pool.worker_image.empty()) {
    spec["worker"]["image"] = pool.worker_image;
  }
  if (!pool.worker_resources.is_null()) {
    spec["worker"]["resources"] = pool.worker_resources;
  }
  if (!pool.worker_tls_secret.empty()) {
    spec["worker"]["tls"] = {{"secretName", pool.worker_tls_secret}};
  }
  if (!pool.pod_template.is_null()) {
    spec["template"] = pool.pod_template;
  }
  return spec;
}

}  // namespace

Json to_controller_revision(const api::SessionPool& pool, const std::string& revision) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "ControllerRevision"},
          {"metadata",
           {{"name", object_name(pool.name, revision)},
            {"namespace", pool.ns},
            {"labels", {{api::kPoolLabel, pool.name}, {api::kRevisionLabel, revision}}},
            {"ownerReferences", Json::array({{{"apiVersion", "berth.dev/v1alpha1"},
                                              {"kind", api::kPoolKind},
                                              {"name", pool.name},
                                              {"uid", pool.uid},
                                              {"controller", true},
                                              {"blockOwnerDeletion", true}}})}}},
          {"data", {{"spec", spec_of(pool)}}},
          {"revision", pool.generation}};
}

std::optional<KeptRevision> from_controller_revision(const Json& object,
                                                     const std::string& pool_uid) {
  const Json* spec = find_path(object, {"data", "spec"});
  if (spec == nullptr || kube::controller_uid(object) != pool_uid) {
    return std::nullopt;
  }
  const Json as_pool = {{"metadata",
                         {{"name", kube::label_of(object, api::kPoolLabel)},
                          {"namespace", kube::namespace_of(object)},
                          {"uid", pool_uid}}},
                        {"spec", *spec}};
  Result<api::SessionPool> pool = api::SessionPool::parse(as_pool);
  KeptRevision kept;
  kept.revision = kube::label_of(object, api::kRevisionLabel);
  kept.object_uid = kube::uid_of(object);
  if (!pool || pool_revision(*pool) != kept.revision) {
    return std::nullopt;
  }
  kept.pool = std::make_shared<const api::SessionPool>(std::move(*pool));
  return kept;
}

RevisionStore::RevisionStore(EventLoop& loop, kube::Client& client, Log log, Hooks hooks)
    : loop_(loop), client_(client), log_(std::move(log)), hooks_(std::move(hooks)) {}

void RevisionStore::keep(const std::shared_ptr<const api::SessionPool>& pool,
                         const std::string& revision, const std::set<std::string>& in_use) {
  if (pool_uid_ != pool->uid) {
    begin(*pool);
  }
  current_ = revision;
  entries_[revision].pool = pool;
  if (!listed_ || pool->deleting) {
    return;
  }
  for (auto& [of, entry] : entries_) {
    if (entry.object_uid.empty() && !entry.busy && in_use.contains(of) &&
        loop_.clock().now() >= not_before_ && hooks_.may_write()) {
      write(of, entry);
    }
  }
  drop_unused(in_use);
}

void RevisionStore::begin(const api::SessionPool& pool) {
  entries_.clear();
  drops_.clear();
  ns_ = pool.ns;
  pool_name_ = pool.name;
  pool_uid_ = pool.uid;
  listed_ = false;
  list();
}

void RevisionStore::list() {
  kube::ListOptions options;
  options.label_selector = std::string(api::kPoolLabel) + "=" + pool_name_;
  list_call_ = client_.list(kRevisions, ns_, options, [this](const Result<Json>& r) {
    list_call_.release();
    listed(r);
  });
}

void RevisionStore::listed(const Result<Json>& answer) {
  if (!answer) {
    complain(answer.error());
    retry_ = loop_.call_after(kTryAgain, [this] { list(); });
    return;
  }
  listed_ = true;
  const Json* items = berth::find(*answer, "items");
  for (std::size_t i = 0; items != nullptr && items->is_array() && i < items->size(); ++i) {
    if (auto kept = from_controller_revision((*items)[i], pool_uid_)) {
      Entry& entry = entries_[kept->revision];
      entry.object_uid = kept->object_uid;
      if (!entry.pool) {
        entry.pool = kept->pool;
      }
    }
  }
  hooks_.changed();
}

void RevisionStore::write(const std::string& revision, Entry& entry) {
  entry.busy = true;
  entry.call = client_.create(kRevisions, ns_, to_controller_revision(*entry.pool, revision),
                              [this, revision](Result<Json> r) {
                                Entry& written = entries_[revision];
                                written.call.release();
                                written.busy = false;
                                if (r) {
                                  written.object_uid = kube::uid_of(*r);
                                } else {
                                  not_before_ = loop_.clock().now() + kTryAgain;
                                  complain(r.error());
                                }
                              });
}

void RevisionStore::drop_unused(const std::set<std::string>& in_use) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->first == current_ || in_use.contains(it->first) || it->second.busy) {
      ++it;
      continue;
    }
    if (!it->second.object_uid.empty()) {
      if (!hooks_.may_write()) {
        return;
      }
      const std::string name = object_name(pool_name_, it->first);
      drops_[name] = client_.remove(kRevisions, ns_, name, {it->second.object_uid, ""},
                                    std::nullopt, [this, name](Result<Json> r) {
                                      auto node = drops_.extract(name);
                                      node.mapped().release();
                                      if (!r && r.error().code != ErrorCode::kNotFound) {
                                        complain(r.error());
                                      }
                                    });
    }
    it = entries_.erase(it);
  }
}

void RevisionStore::complain(const Error& error) {
  if (!complained_) {
    complained_ = true;
    log_.warn("an earlier revision of the pool is kept in memory only", {{"error", error}});
  }
}

std::shared_ptr<const api::SessionPool> RevisionStore::find(const std::string& revision) const {
  const auto it = entries_.find(revision);
  return it == entries_.end() ? nullptr : it->second.pool;
}

std::set<std::string> RevisionStore::earlier() const {
  std::set<std::string> out;
  for (const auto& [revision, entry] : entries_) {
    if (revision != current_) {
      out.insert(revision);
    }
  }
  return out;
}

}  // namespace berth::op
