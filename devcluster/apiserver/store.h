#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "devcluster/apiserver/api_error.h"
#include "devcluster/apiserver/resource_type.h"
#include "devcluster/apiserver/selector.h"

namespace berth::devcluster {

/// A stored object; never changed in place.
using ObjectPtr = std::shared_ptr<const Json>;

/// Which part of an object a write may change.
enum class Part { kMain, kStatus };

/// Metadata names of one object. `ns` is empty for cluster-scoped types.
struct ObjectKey {
  std::string ns;
  std::string name;
};

struct WatchEvent {
  enum class Kind { kAdded, kModified, kDeleted };
  Kind kind = Kind::kAdded;
  const ResourceType* type = nullptr;
  std::uint64_t version = 0;
  ObjectPtr object;  ///< For kDeleted the last state, with the version of the deletion.
};
std::string_view to_string(WatchEvent::Kind kind);

struct ListQuery {
  Selector selector = Selector();
  std::size_t limit = 0;  ///< 0: all.
  std::string continue_token = {};
};
struct ListPage {
  std::vector<ObjectPtr> items;
  std::uint64_t version = 0;
  std::string continue_token;  ///< Empty on the last page.
  std::size_t remaining = 0;
};

enum class Propagation { kBackground, kForeground, kOrphan };
struct DeleteQuery {
  std::optional<std::int64_t> grace_seconds = {};
  std::string uid = {};               ///< Precondition; empty: none.
  std::string resource_version = {};  ///< Precondition; empty: none.
  Propagation propagation = Propagation::kBackground;
  bool dry_run = false;
};
struct DeleteOutcome {
  Json object;
  bool gone = false;  ///< False: finalizers or a grace period keep it.
};

/// Checks (and may complete) an object before it is stored: `before` is null on creation.
using AdmitFn =
    std::function<ApiResult<void>(const ResourceType& type, Json& object, const Json* before)>;

/// The objects of a small cluster with the API server's rules for changing them: versions,
/// generations, optimistic locking, status separation, finalizers, graceful deletion; lists with
/// consistent pages; and a bounded history per type from which watches start. Pure state: no IO, no
/// timers. Loop thread only.
///
/// Owners are not its business (garbage_collector.h), neither are HTTP and JSON text (server.h).
class Store {
 public:
  struct Limits {
    std::size_t history = 2000;  ///< Changes per type that a watch can start behind.
    std::size_t snapshots = 64;  ///< Unfinished paged lists; the oldest gives way.
    Duration snapshot_lifetime = std::chrono::minutes(5);
    std::size_t object_bytes = 1536u << 10;
    std::size_t objects = 50'000;  ///< In all.
  };
  /// `clock` and `random` must outlive the store.
  Store(const Clock& clock, Random& random, AdmitFn admit, Limits limits);
  Store(const Clock& clock, Random& random, AdmitFn admit)
      : Store(clock, random, std::move(admit), Limits()) {}

  /// The newest version given out.
  std::uint64_t version() const { return version_; }

  ApiResult<ObjectPtr> get(const ResourceType& type, const ObjectKey& key) const;
  ApiResult<ListPage> list(const ResourceType& type, const ListQuery& query);

  ApiResult<ObjectPtr> create(const ResourceType& type, const std::string& ns, Json object,
                              bool dry_run = false);

  /// Every change of an object: `edit` gets the current one and returns the wanted one. Its
  /// resourceVersion, if it has one, and uid must be the current ones; `whole` (PUT) demands the
  /// resourceVersion where the type needs it.
  using EditFn = std::function<ApiResult<Json>(const Json& current)>;
  struct EditOptions {
    Part part = Part::kMain;
    bool whole = false;
    bool dry_run = false;
  };
  ApiResult<ObjectPtr> edit(const ResourceType& type, const ObjectKey& key, const EditFn& edit,
                            EditOptions options);
  ApiResult<DeleteOutcome> remove(const ResourceType& type, const ObjectKey& key,
                                  const DeleteQuery& query);

  /// Calls `fn` for each change of `type` (of all types when null) after it is in place, until the
  /// handle goes. `fn` runs inside the write: it must not write to the store itself, but post.
  Cancel subscribe(const ResourceType* type, std::function<void(const WatchEvent&)> fn);

  /// What a watch of `selector` sees of a change: nothing, or the event as it applies to it (an
  /// object that stops matching is deleted).
  struct Change {
    WatchEvent event;
    ObjectPtr before;
  };
  static std::optional<WatchEvent> seen_by(const Selector& selector, const Change& change);
  /// As subscribe(), through a selector.
  Cancel watch(const ResourceType& type, Selector selector,
               std::function<void(const WatchEvent&)> fn);
  /// The events after `from` that `selector` sees; 410 when the history does not reach back that
  /// far.
  ApiResult<std::vector<WatchEvent>> events_since(const ResourceType& type,
                                                  const Selector& selector,
                                                  std::uint64_t from) const;

  /// Forgets all history and unfinished lists: every watch from an older version and every continue
  /// token gets 410.
  void expire_history();

 private:
  struct Collection {
    std::map<std::string, ObjectPtr> objects;  // by "ns/name"
    std::deque<Change> history;
    std::uint64_t trimmed = 0;  // the newest version that is no longer in the history
  };
  struct Snapshot {
    const ResourceType* type = nullptr;
    std::uint64_t version = 0;
    std::vector<ObjectPtr> items;
    TimePoint expires;
  };
  using Listener = std::function<void(const Change&)>;

  Collection& collection(const ResourceType& type);
  const Collection* find_collection(const ResourceType& type) const;
  ApiResult<void> check_namespace(const std::string& ns) const;
  ApiResult<void> check_room(const ResourceType& type, const Json& object) const;
  ApiResult<std::string> choose_name(const ResourceType& type, const std::string& ns, Json& meta);
  ApiResult<Json> checked_edit(const ResourceType& type, const Json& current, Json wanted,
                               const EditOptions& options) const;
  ApiResult<DeleteOutcome> mark_deleted(const ResourceType& type, const ObjectPtr& current,
                                        std::optional<std::int64_t> grace,
                                        const DeleteQuery& query);
  ObjectPtr commit(const ResourceType& type, WatchEvent::Kind kind, const ObjectPtr& before,
                   Json object);
  void trim_newest(const ResourceType& type);
  ApiResult<ListPage> next_page(const ResourceType& type, const ListQuery& query);
  ListPage cut(std::uint64_t id, const Snapshot& snapshot, std::size_t from,
               std::size_t limit) const;

  const Clock& clock_;
  Random& random_;
  AdmitFn admit_;
  Limits limits_;
  std::uint64_t version_ = 0;
  std::size_t objects_ = 0;
  std::map<const ResourceType*, Collection> collections_;
  std::map<std::uint64_t, Snapshot> snapshots_;
  std::uint64_t last_snapshot_ = 0;
  // Shared with the handles, which may outlive the store.
  std::shared_ptr<std::map<std::uint64_t, Listener>> listeners_;
  std::uint64_t last_listener_ = 0;
};

/// "ns/name", or "name" for cluster-scoped objects.
std::string map_key(const ObjectKey& key);
ObjectKey key_of(const Json& object);
/// Kubernetes' Time: RFC 3339 in whole seconds.
std::string api_time(WallTime t);

}  // namespace berth::devcluster
