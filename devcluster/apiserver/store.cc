#include "devcluster/apiserver/store.h"

#include <algorithm>
#include <charconv>

namespace berth::devcluster {

std::string_view to_string(WatchEvent::Kind kind) {
  switch (kind) {
    case WatchEvent::Kind::kAdded:
      return "ADDED";
    case WatchEvent::Kind::kModified:
      return "MODIFIED";
    case WatchEvent::Kind::kDeleted:
      break;
  }
  return "DELETED";
}

std::string map_key(const ObjectKey& key) {
  return key.ns.empty() ? key.name : key.ns + "/" + key.name;
}

ObjectKey key_of(const Json& object) {
  return {string_at(object, {"metadata", "namespace"}), string_at(object, {"metadata", "name"})};
}

std::string api_time(WallTime t) {
  return format_rfc3339(t).substr(0, 19) + "Z";
}

Store::Store(const Clock& clock, Random& random, AdmitFn admit, Limits limits)
    : clock_(clock),
      random_(random),
      admit_(std::move(admit)),
      limits_(limits),
      listeners_(std::make_shared<std::map<std::uint64_t, Listener>>()) {
  for (const char* name : {"default", "kube-system"}) {
    // These two fit every rule, so the answer cannot be an error.
    (void)create(type_of("namespaces"), "", {{"metadata", {{"name", name}}}});
  }
}

Store::Collection& Store::collection(const ResourceType& type) {
  return collections_[&stored_type(type)];
}

const Store::Collection* Store::find_collection(const ResourceType& type) const {
  const auto it = collections_.find(&stored_type(type));
  return it == collections_.end() ? nullptr : &it->second;
}

ApiResult<ObjectPtr> Store::get(const ResourceType& type, const ObjectKey& key) const {
  if (const Collection* c = find_collection(type)) {
    if (const auto it = c->objects.find(map_key(key)); it != c->objects.end()) {
      return it->second;
    }
  }
  return fail(ApiError::not_found(type, key.name));
}

ApiResult<ListPage> Store::list(const ResourceType& type, const ListQuery& query) {
  if (!query.continue_token.empty()) {
    return next_page(type, query);
  }
  Snapshot snapshot{&stored_type(type), version_, {}, clock_.now() + limits_.snapshot_lifetime};
  for (const auto& [key, object] : collection(type).objects) {
    if (query.selector.matches(*object)) {
      snapshot.items.push_back(object);
    }
  }
  if (query.limit == 0 || snapshot.items.size() <= query.limit) {
    return ListPage{std::move(snapshot.items), snapshot.version, "", 0};
  }
  while (snapshots_.size() >= limits_.snapshots) {
    snapshots_.erase(snapshots_.begin());
  }
  const std::uint64_t id = ++last_snapshot_;
  const auto& kept = snapshots_.emplace(id, std::move(snapshot)).first->second;
  return cut(id, kept, 0, query.limit);
}

ListPage Store::cut(std::uint64_t id, const Snapshot& snapshot, std::size_t from,
                    std::size_t limit) const {
  const std::size_t size = snapshot.items.size();
  const std::size_t to = limit == 0 ? size : std::min(size, from + limit);
  ListPage page;
  page.version = snapshot.version;
  page.items.assign(snapshot.items.begin() + static_cast<std::ptrdiff_t>(from),
                    snapshot.items.begin() + static_cast<std::ptrdiff_t>(to));
  page.remaining = size - to;
  if (page.remaining > 0) {
    page.continue_token = std::to_string(id) + "." + std::to_string(to);
  }
  return page;
}

ApiResult<ListPage> Store::next_page(const ResourceType& type, const ListQuery& query) {
  std::uint64_t id = 0;
  std::size_t from = 0;
  const std::string& token = query.continue_token;
  const char* end = token.data() + token.size();
  const auto [dot, bad_id] = std::from_chars(token.data(), end, id);
  const bool has_dot = bad_id == std::errc() && dot != end && *dot == '.';
  const auto [rest, bad_from] = std::from_chars(has_dot ? dot + 1 : end, end, from);
  if (!has_dot || bad_from != std::errc() || rest != end) {
    return fail(ApiError::bad_request("continue key is not valid"));
  }
  const auto it = snapshots_.find(id);
  if (it == snapshots_.end() || it->second.expires <= clock_.now()) {
    return fail(ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter."));
  }
  if (it->second.type != &stored_type(type) || from > it->second.items.size()) {
    return fail(ApiError::bad_request("continue key is not valid"));
  }
  ListPage page = cut(id, it->second, from, query.limit);
  if (page.remaining == 0) {
    // Kept until it expires: a client that lost this answer asks for the same page again.
    it->second.expires = std::min(it->second.expires, clock_.now() + std::chrono::minutes(1));
  }
  return page;
}

Cancel Store::subscribe(const ResourceType* type, std::function<void(const WatchEvent&)> fn) {
  const std::uint64_t id = ++last_listener_;
  listeners_->emplace(id, [type, fn = std::move(fn)](const Change& change) {
    if (type == nullptr || change.event.type == type) {
      fn(change.event);
    }
  });
  return Cancel([weak = std::weak_ptr(listeners_), id] {
    if (const auto listeners = weak.lock()) {
      const auto node = listeners->extract(id);
    }
  });
}

Cancel Store::watch(const ResourceType& type, Selector selector,
                    std::function<void(const WatchEvent&)> fn) {
  const std::uint64_t id = ++last_listener_;
  listeners_->emplace(id, [type = &stored_type(type), selector = std::move(selector),
                           fn = std::move(fn)](const Change& change) {
    if (change.event.type == type) {
      if (const auto event = seen_by(selector, change)) {
        fn(*event);
      }
    }
  });
  return Cancel([weak = std::weak_ptr(listeners_), id] {
    if (const auto listeners = weak.lock()) {
      const auto node = listeners->extract(id);
    }
  });
}

std::optional<WatchEvent> Store::seen_by(const Selector& selector, const Change& change) {
  using Kind = WatchEvent::Kind;
  const bool now = change.event.kind != Kind::kDeleted && selector.matches(*change.event.object);
  const bool before = change.before != nullptr && selector.matches(*change.before);
  if (!now && !before) {
    return std::nullopt;
  }
  WatchEvent event = change.event;
  event.kind = now ? (before ? Kind::kModified : Kind::kAdded) : Kind::kDeleted;
  if (!now && change.event.kind != Kind::kDeleted) {
    Json last = *change.before;
    last["metadata"]["resourceVersion"] = std::to_string(change.event.version);
    event.object = std::make_shared<const Json>(std::move(last));
  }
  return event;
}

ApiResult<std::vector<WatchEvent>> Store::events_since(const ResourceType& type,
                                                       const Selector& selector,
                                                       std::uint64_t from) const {
  std::vector<WatchEvent> events;
  const Collection* c = find_collection(type);
  if (from > version_) {
    ApiError e = ApiError::make(504, "Timeout",
                                "Timeout: Too large resource version: " + std::to_string(from) +
                                    ", current: " + std::to_string(version_));
    e.details = {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"},
                                          {"message", "Too large resource version"}}})}};
    e.retry_after = std::chrono::seconds(1);
    return fail(std::move(e));
  }
  if (c == nullptr) {
    return events;
  }
  if (from < c->trimmed) {
    return fail(ApiError::expired("too old resource version: " + std::to_string(from) + " (" +
                                  std::to_string(c->trimmed) + ")"));
  }
  const auto first =
      std::upper_bound(c->history.begin(), c->history.end(), from,
                       [](std::uint64_t v, const Change& ch) { return v < ch.event.version; });
  for (auto it = first; it != c->history.end(); ++it) {
    if (auto event = seen_by(selector, *it)) {
      events.push_back(std::move(*event));
    }
  }
  return events;
}

void Store::expire_history() {
  // One version further, so that a watch from the version everybody knows now is too old as well.
  ++version_;
  for (const ResourceType& type : all_types()) {
    if (!type.view) {
      Collection& c = collection(type);
      c.history.clear();
      c.trimmed = version_;
    }
  }
  snapshots_.clear();
}

}  // namespace berth::devcluster
