#include "devcluster/apiserver/garbage_collector.h"

#include <algorithm>

namespace berth::devcluster {

namespace {

constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";

std::string uid_of(const Json& object) {
  return string_at(object, {"metadata", "uid"});
}

bool has_finalizer(const Json& object, const char* finalizer) {
  const Json* list = find_path(object, {"metadata", "finalizers"});
  return list != nullptr && std::find(list->begin(), list->end(), finalizer) != list->end();
}

std::vector<Json> owners_of(const Json& object) {
  const Json* refs = find_path(object, {"metadata", "ownerReferences"});
  return refs == nullptr || !refs->is_array() ? std::vector<Json>{}
                                              : std::vector<Json>(refs->begin(), refs->end());
}

}  // namespace

GarbageCollector::GarbageCollector(EventLoop& loop, Store& store) : loop_(loop), store_(store) {
  for (const ResourceType& type : all_types()) {
    if (const auto page = store.list(type, ListQuery()); page && !type.view) {
      for (const ObjectPtr& object : page->items) {
        note({WatchEvent::Kind::kAdded, &type, 0, object});
      }
    }
  }
  subscription_ = store.subscribe(nullptr, [this](const WatchEvent& event) { note(event); });
}

void GarbageCollector::note(const WatchEvent& event) {
  const Json& object = *event.object;
  const Ref ref{event.type, key_of(object), uid_of(object)};
  const auto owners = owners_of(object);
  if (event.kind == WatchEvent::Kind::kDeleted) {
    alive_.erase(ref.uid);
    in_namespace_[ref.key.ns].erase(ref);
    for (const Json& owner : owners) {
      const std::string uid = get_string(owner, "uid").value_or("");
      dependents_[uid].erase(ref);
      // An owner that waits for its dependents is looked at again.
      if (const auto it = alive_.find(uid); it != alive_.end()) {
        for (const ResourceType& type : all_types()) {
          if (!type.view && get_string(owner, "kind") == type.kind) {
            enqueue({&type, it->second, uid});
          }
        }
      }
    }
    if (auto node = dependents_.extract(ref.uid)) {
      for (const Ref& dependent : node.mapped()) {
        enqueue(dependent);
      }
    }
    if (event.type->kind == "Namespace") {
      for (const Ref& member : in_namespace_[ref.key.name]) {
        enqueue(member);
      }
    }
    return;
  }
  alive_[ref.uid] = ref.key;
  in_namespace_[ref.key.ns].insert(ref);
  for (const Json& owner : owners) {
    dependents_[get_string(owner, "uid").value_or("")].insert(ref);
  }
  const bool created_owned = event.kind == WatchEvent::Kind::kAdded && !owners.empty();
  const bool waits = find_path(object, {"metadata", "deletionTimestamp"}) != nullptr &&
                     (has_finalizer(object, kForeground) || has_finalizer(object, kOrphan));
  if (created_owned || waits) {
    enqueue(ref);
  }
}

void GarbageCollector::enqueue(Ref ref) {
  queue_.push_back(std::move(ref));
  if (!wake_) {
    wake_ = loop_.call_after(Duration(0), [this] {
      wake_.release();
      run();
    });
  }
}

void GarbageCollector::run() {
  while (!queue_.empty()) {
    const Ref ref = std::move(queue_.front());
    queue_.pop_front();
    look_at(ref);
  }
}

void GarbageCollector::look_at(const Ref& ref) {
  const auto found = store_.get(*ref.type, ref.key);
  if (!found || uid_of(**found) != ref.uid) {
    return;
  }
  const Json& object = **found;
  if (collect_if_ownerless(ref, object)) {
    return;
  }
  if (find_path(object, {"metadata", "deletionTimestamp"}) != nullptr) {
    if (has_finalizer(object, kForeground)) {
      finish_foreground(ref, object);
    } else if (has_finalizer(object, kOrphan)) {
      finish_orphan(ref);
    }
  }
}

bool GarbageCollector::owner_lives(const Json& owner, const std::string& ns) const {
  const auto it = alive_.find(get_string(owner, "uid").value_or(""));
  return it != alive_.end() && (it->second.ns.empty() || it->second.ns == ns);
}

bool GarbageCollector::collect_if_ownerless(const Ref& ref, const Json& object) {
  const auto owners = owners_of(object);
  const bool ownerless =
      !owners.empty() && std::none_of(owners.begin(), owners.end(), [&](const Json& owner) {
        return owner_lives(owner, ref.key.ns);
      });
  const bool homeless = !ref.key.ns.empty() && !store_.get(type_of("namespaces"), {"", ref.key.ns});
  if (!ownerless && !homeless) {
    return false;
  }
  DeleteQuery query;
  query.uid = ref.uid;
  // The uid was checked a moment ago on this same thread: only NotFound is possible, and wanted.
  (void)store_.remove(*ref.type, ref.key, query);
  return true;
}

void GarbageCollector::finish_foreground(const Ref& ref, const Json&) {
  bool blocked = false;
  const auto it = dependents_.find(ref.uid);
  const auto dependents = it == dependents_.end() ? std::set<Ref>() : it->second;
  for (const Ref& dependent : dependents) {
    const auto object = store_.get(*dependent.type, dependent.key);
    if (!object || uid_of(**object) != dependent.uid) {
      continue;
    }
    DeleteQuery query;
    query.uid = dependent.uid;
    query.propagation = Propagation::kForeground;
    if (find_path(**object, {"metadata", "deletionTimestamp"}) == nullptr) {
      // Without dependents of its own it needs no finalizer.
      if (!dependents_.contains(dependent.uid) || dependents_[dependent.uid].empty()) {
        query.propagation = Propagation::kBackground;
      }
      (void)store_.remove(*dependent.type, dependent.key, query);
    }
    const auto owners = owners_of(**object);
    const bool still_there = store_.get(*dependent.type, dependent.key).has_value();
    blocked |= still_there && std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
                 return get_string(owner, "uid") == ref.uid &&
                        get_bool(owner, "blockOwnerDeletion").value_or(false);
               });
  }
  if (!blocked) {
    drop_finalizer(ref, kForeground);
  }
}

void GarbageCollector::finish_orphan(const Ref& ref) {
  const auto it = dependents_.find(ref.uid);
  const auto dependents = it == dependents_.end() ? std::set<Ref>() : it->second;
  for (const Ref& dependent : dependents) {
    (void)store_.edit(*dependent.type, dependent.key,
                      [&](const Json& current) -> ApiResult<Json> {
                        Json next = current;
                        Json& refs = next["metadata"]["ownerReferences"];
                        for (auto r = refs.begin(); r != refs.end();) {
                          r = get_string(*r, "uid") == ref.uid ? refs.erase(r) : r + 1;
                        }
                        return next;
                      },
                      {});
  }
  dependents_.erase(ref.uid);
  drop_finalizer(ref, kOrphan);
}

void GarbageCollector::drop_finalizer(const Ref& ref, const std::string& finalizer) {
  (void)store_.edit(*ref.type, ref.key,
                    [&](const Json& current) -> ApiResult<Json> {
                      Json next = current;
                      Json& list = next["metadata"]["finalizers"];
                      list.erase(std::remove(list.begin(), list.end(), finalizer), list.end());
                      return next;
                    },
                    {});
}

}  // namespace berth::devcluster
