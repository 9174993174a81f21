#include <algorithm>
#include <array>

#include "devcluster/apiserver/object_rules.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

namespace {

/// Metadata that only the server writes.
constexpr std::array kServerMetadata = {"uid",
                                        "creationTimestamp",
                                        "deletionTimestamp",
                                        "deletionGracePeriodSeconds",
                                        "generation",
                                        "selfLink",
                                        "name",
                                        "namespace"};

bool same_but(const Json& a, const Json& b, std::initializer_list<const char*> ignored) {
  Json x = a;
  Json y = b;
  for (const char* key : ignored) {
    x.erase(key);
    y.erase(key);
  }
  return x == y;
}

void carry_over(const Json& from, Json& to, const char* key) {
  if (const Json* value = find(from, key)) {
    to[key] = *value;
  } else {
    to.erase(key);
  }
}

}  // namespace

ApiResult<void> Store::check_namespace(const std::string& ns) const {
  const auto& type = type_of("namespaces");
  BERTH_ASSIGN(const ObjectPtr object, get(type, {"", ns}));
  if (find_path(*object, {"metadata", "deletionTimestamp"}) != nullptr) {
    return fail(ApiError::make(
        403, "Forbidden",
        "unable to create new content in namespace " + ns + " because it is being terminated"));
  }
  return {};
}

ApiResult<void> Store::check_room(const ResourceType& type, const Json& object) const {
  if (objects_ >= limits_.objects) {
    return fail(
        ApiError::make(403, "Forbidden",
                       "the dev cluster is full: " + std::to_string(limits_.objects) + " objects"));
  }
  if (dump_json(object).size() > limits_.object_bytes) {
    return fail(ApiError::make(
        413, "RequestEntityTooLarge",
        type.kind_name() + " is larger than " + std::to_string(limits_.object_bytes) + " bytes"));
  }
  return {};
}

ApiResult<std::string> Store::choose_name(const ResourceType& type, const std::string& ns,
                                          Json& meta) {
  std::string name = get_string(meta, "name").value_or("");
  const std::string base = get_string(meta, "generateName").value_or("");
  if (name.empty() && !base.empty()) {
    do {
      name = base.substr(0, 248) + random_.name(5);
    } while (get(type, {ns, name}));
    meta["name"] = name;
  }
  if (name.empty()) {
    return fail(ApiError::invalid(type, "", "metadata.name",
                                  "Required value: name or generateName is required"));
  }
  if (!valid_name(name)) {
    return fail(ApiError::invalid(type, name.substr(0, 253), "metadata.name",
                                  "must be at most 253 of lower case letters, digits, '-' and "
                                  "'.', and start and end with a letter or digit"));
  }
  return name;
}

ApiResult<ObjectPtr> Store::create(const ResourceType& view, const std::string& ns, Json object,
                                   bool dry_run) {
  const ResourceType& type = stored_type(view);
  BERTH_TRY(check_shape(type, object));
  Json& meta = object["metadata"];
  if (meta.is_null()) {
    meta = Json::object();
  }
  if (type.namespaced) {
    if (const auto own = get_string(meta, "namespace"); own && !own->empty() && *own != ns) {
      return fail(ApiError::bad_request(
          "the namespace of the provided object does not match the namespace sent on the request"));
    }
    meta["namespace"] = ns;
    BERTH_TRY(check_namespace(ns));
  } else {
    meta.erase("namespace");
  }
  if (!get_string(meta, "resourceVersion").value_or("").empty()) {
    return fail(
        ApiError::bad_request("resourceVersion should not be set on objects to be created"));
  }
  BERTH_ASSIGN(const std::string name, choose_name(type, ns, meta));
  if (get(type, {ns, name})) {
    return fail(ApiError::already_exists(view, name));
  }
  BERTH_TRY(check_metadata(type, name, meta));
  for (const char* key : {"uid", "creationTimestamp", "deletionTimestamp", "selfLink",
                          "deletionGracePeriodSeconds", "generation", "managedFields"}) {
    meta.erase(key);
  }
  meta["uid"] = make_uid(random_);
  meta["creationTimestamp"] = api_time(clock_.wall_now());
  if (type.generation) {
    meta["generation"] = 1;
  }
  if (type.status) {
    object.erase("status");
  }
  object["kind"] = type.kind;
  object["apiVersion"] = type.api_version();
  BERTH_TRY(admit_(type, object, nullptr));
  BERTH_TRY(check_room(type, object));
  if (dry_run) {
    return std::make_shared<const Json>(std::move(object));
  }
  ObjectPtr stored = commit(type, WatchEvent::Kind::kAdded, nullptr, std::move(object));
  trim_newest(type);
  return stored;
}

ApiResult<Json> Store::checked_edit(const ResourceType& type, const Json& current, Json wanted,
                                    const EditOptions& options) const {
  const std::string name = string_at(current, {"metadata", "name"});
  BERTH_TRY(check_shape(type, wanted));
  Json& meta = wanted["metadata"];
  if (meta.is_null()) {
    meta = Json::object();
  }
  const Json& old_meta = current.at("metadata");
  for (const char* key : {"name", "namespace"}) {
    const std::string own = get_string(meta, key).value_or("");
    if (!own.empty() && own != get_string(old_meta, key).value_or("")) {
      return fail(ApiError::bad_request(std::string("the ") + key +
                                        " of the object does not match the one in the URL"));
    }
  }
  const std::string version = get_string(meta, "resourceVersion").value_or("");
  if (version.empty() && options.whole && type.needs_version) {
    return fail(ApiError::invalid(type, name, "metadata.resourceVersion",
                                  "Invalid value: 0x0: must be specified for an update"));
  }
  if (!version.empty() && old_meta.at("resourceVersion") != version) {
    return fail(ApiError::modified(type, name));
  }
  const std::string uid = get_string(meta, "uid").value_or("");
  if (!uid.empty() && old_meta.at("uid") != uid) {
    return fail(
        ApiError::conflict(type, name,
                           "Precondition failed: UID in precondition: " + uid +
                               ", UID in object meta: " + old_meta.at("uid").get<std::string>()));
  }
  BERTH_TRY(check_metadata(type, name, meta));
  if (options.part == Part::kStatus) {
    Json next = current;
    carry_over(wanted, next, "status");
    return next;
  }
  if (type.status) {
    carry_over(current, wanted, "status");
  }
  for (const char* key : kServerMetadata) {
    carry_over(old_meta, meta, key);
  }
  meta["resourceVersion"] = old_meta.at("resourceVersion");
  meta.erase("managedFields");
  wanted["kind"] = type.kind;
  wanted["apiVersion"] = type.api_version();
  return wanted;
}

ApiResult<ObjectPtr> Store::edit(const ResourceType& view, const ObjectKey& key, const EditFn& edit,
                                 EditOptions options) {
  const ResourceType& type = stored_type(view);
  BERTH_ASSIGN(const ObjectPtr current, get(view, key));
  BERTH_ASSIGN(Json wanted, edit(*current));
  BERTH_ASSIGN(Json next, checked_edit(type, *current, std::move(wanted), options));
  if (find_path(*current, {"metadata", "deletionTimestamp"}) != nullptr) {
    const auto old = finalizers_of(*current);
    for (const std::string& f : finalizers_of(next)) {
      if (std::find(old.begin(), old.end(), f) == old.end()) {
        return fail(ApiError::invalid(type, key.name, "metadata.finalizers",
                                      "Forbidden: no new finalizers can be added if the object is "
                                      "being deleted, found new finalizers []string{\"" +
                                          f + "\"}"));
      }
    }
  }
  BERTH_TRY(admit_(type, next, current.get()));
  if (next == *current) {
    return current;
  }
  // A custom resource's generation counts changes of anything but metadata and status.
  if (type.generation && !same_but(next, *current, {"metadata", "status"})) {
    next["metadata"]["generation"] = get_int(current->at("metadata"), "generation").value_or(0) + 1;
  }
  BERTH_TRY(check_room(type, next));
  if (options.dry_run) {
    return std::make_shared<const Json>(std::move(next));
  }
  if (may_go(next)) {
    return commit(type, WatchEvent::Kind::kDeleted, current, std::move(next));
  }
  return commit(type, WatchEvent::Kind::kModified, current, std::move(next));
}

ApiResult<DeleteOutcome> Store::remove(const ResourceType& view, const ObjectKey& key,
                                       const DeleteQuery& query) {
  const ResourceType& type = stored_type(view);
  BERTH_ASSIGN(const ObjectPtr current, get(view, key));
  const Json& meta = current->at("metadata");
  for (const auto& [what, field, wanted] :
       {std::tuple{"UID", "uid", &query.uid},
        std::tuple{"ResourceVersion", "resourceVersion", &query.resource_version}}) {
    if (!wanted->empty() && meta.at(field) != *wanted) {
      return fail(ApiError::conflict(view, key.name,
                                     std::string("Precondition failed: ") + what +
                                         " in precondition: " + *wanted + ", " + what +
                                         " in object meta: " + meta.at(field).get<std::string>()));
    }
  }
  if (query.grace_seconds && *query.grace_seconds < 0) {
    return fail(ApiError::invalid(type, key.name, "gracePeriodSeconds", "must not be negative"));
  }
  std::optional<std::int64_t> grace;
  if (type.graceful) {
    const std::string phase = string_at(*current, {"status", "phase"});
    const Json* spec = find(*current, "spec");
    grace = query.grace_seconds.value_or(
        spec == nullptr ? 30 : get_int(*spec, "terminationGracePeriodSeconds").value_or(30));
    // Nobody runs it (any more), so nobody would ever confirm.
    if (string_at(*current, {"spec", "nodeName"}).empty() || phase == "Succeeded" ||
        phase == "Failed") {
      grace = 0;
    }
  }
  return mark_deleted(type, current, grace, query);
}

ApiResult<DeleteOutcome> Store::mark_deleted(const ResourceType& type, const ObjectPtr& current,
                                             std::optional<std::int64_t> grace,
                                             const DeleteQuery& query) {
  Json next = *current;
  Json& meta = next["metadata"];
  const char* finalizer = query.propagation == Propagation::kForeground ? "foregroundDeletion"
                          : query.propagation == Propagation::kOrphan   ? "orphan"
                                                                        : nullptr;
  const bool marked = find(meta, "deletionTimestamp") != nullptr;
  if (finalizer != nullptr && !marked) {
    Json& list = meta["finalizers"];
    if (list.is_null()) {
      list = Json::array();
    }
    list.push_back(finalizer);
  }
  const auto running = get_int(meta, "deletionGracePeriodSeconds");
  if (!marked || (grace && (!running || *grace < *running))) {
    const std::int64_t seconds = std::min<std::int64_t>(grace.value_or(0), 100L * 365 * 86400);
    meta["deletionTimestamp"] = api_time(clock_.wall_now() + std::chrono::seconds(seconds));
    if (grace || !finalizers_of(next).empty()) {
      meta["deletionGracePeriodSeconds"] = seconds;
    }
    if (!marked && type.generation) {
      meta["generation"] = get_int(meta, "generation").value_or(0) + 1;
    }
  }
  const bool gone = may_go(next);
  if (query.dry_run || (!gone && next == *current)) {
    return DeleteOutcome{std::move(next), gone};
  }
  const auto kind = gone ? WatchEvent::Kind::kDeleted : WatchEvent::Kind::kModified;
  return DeleteOutcome{*commit(type, kind, current, std::move(next)), gone};
}

ObjectPtr Store::commit(const ResourceType& type, WatchEvent::Kind kind, const ObjectPtr& before,
                        Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  auto stored = std::make_shared<const Json>(std::move(object));
  Collection& c = collection(type);
  const std::string key = map_key(key_of(*stored));
  if (kind == WatchEvent::Kind::kDeleted) {
    objects_ -= c.objects.erase(key);
  } else {
    objects_ += c.objects.insert_or_assign(key, stored).second ? 1 : 0;
  }
  c.history.push_back({{kind, &type, version_, stored}, before});
  if (c.history.size() > limits_.history) {
    c.trimmed = c.history.front().event.version;
    c.history.pop_front();
  }
  const Change change = c.history.back();
  // Listeners may go while they are called, but not come.
  std::vector<std::uint64_t> ids;
  for (const auto& [id, listener] : *listeners_) {
    ids.push_back(id);
  }
  for (const std::uint64_t id : ids) {
    if (const auto it = listeners_->find(id); it != listeners_->end()) {
      const Listener listener = it->second;
      listener(change);
    }
  }
  return stored;
}

void Store::trim_newest(const ResourceType& type) {
  if (type.keep_newest == 0) {
    return;
  }
  Collection& c = collection(type);
  while (c.objects.size() > type.keep_newest) {
    const auto oldest =
        std::min_element(c.objects.begin(), c.objects.end(), [](const auto& a, const auto& b) {
          const auto version = [](const Json& o) {
            return std::stoull(o.at("metadata").at("resourceVersion").template get<std::string>());
          };
          return version(*a.second) < version(*b.second);
        });
    const ObjectPtr object = oldest->second;
    commit(type, WatchEvent::Kind::kDeleted, object, *object);
  }
}

}  // namespace berth::devcluster
