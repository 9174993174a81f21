#include "devcluster/apiserver/watch_hub.h"

#include <charconv>

#include "devcluster/apiserver/event_view.h"
#include "devcluster/apiserver/table.h"

namespace berth::devcluster {

namespace {

bool is_true(const http::Request& request, std::string_view name) {
  const auto value = request.query(name);
  return value && (*value == "true" || *value == "1");
}

/// Where a watch starts: nothing means with the present objects.
ApiResult<std::optional<std::uint64_t>> start_of(const http::Request& request) {
  const std::string text = request.query("resourceVersion").value_or("");
  if (text.empty() || text == "0") {
    return std::nullopt;
  }
  std::uint64_t version = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (bad != std::errc() || end != text.data() + text.size()) {
    return fail(
        ApiError::bad_request("resourceVersion: Invalid value: \"" + text.substr(0, 64) + "\""));
  }
  return version;
}

}  // namespace

WatchHub::WatchHub(EventLoop& loop, Store& store, const Faults& faults, Random& random,
                   Duration bookmark_interval)
    : loop_(loop),
      store_(store),
      faults_(faults),
      random_(random),
      bookmark_interval_(bookmark_interval),
      self_(std::make_shared<WatchHub*>(this)) {}

ApiResult<http::Response> WatchHub::open(const ApiPath& path, const http::Request& request,
                                         bool as_table) {
  const ResourceType& type = *path.type;
  BERTH_ASSIGN(Selector selector,
               Selector::parse(type, path.key.ns, request.query("labelSelector").value_or(""),
                               request.query("fieldSelector").value_or("")));
  BERTH_ASSIGN(const auto from, start_of(request));
  const bool initial = is_true(request, "sendInitialEvents");
  std::vector<WatchEvent> backlog;
  // A version from the future is an error for either kind of start.
  if (from && (!initial || *from > store_.version())) {
    BERTH_ASSIGN(backlog, store_.events_since(type, selector, *from));
  } else {
    BERTH_ASSIGN(const auto page, store_.list(type, {selector, 0, ""}));
    for (const ObjectPtr& object : page.items) {
      backlog.push_back({WatchEvent::Kind::kAdded, &type, page.version, object});
    }
  }
  auto stream =
      std::make_shared<PushStream>(loop_, PushStream::Limits{.frame_bytes = faults_.frame_bytes()});
  const std::uint64_t id = ++last_;
  Watcher& watcher = watchers_[id];
  watcher.stream = stream;
  watcher.type = &type;
  watcher.as_table = as_table;
  watcher.bookmarks = is_true(request, "allowWatchBookmarks");
  for (const WatchEvent& event : backlog) {
    stream->push_backlog(line_of(watcher, event));
  }
  if (initial && watcher.bookmarks) {
    send_bookmark(watcher, true);
  }
  watcher.changes = store_.watch(type, std::move(selector), [this, id](const WatchEvent& event) {
    send(watchers_.at(id), event);
  });
  start_timers(id, watcher, request);
  stream->on_gone([weak = std::weak_ptr(self_), id] {
    if (const auto self = weak.lock()) {
      (*self)->detach(id);
    }
  });
  http::Response response;
  response.headers.set("Content-Type", "application/json");
  response.body_source = std::move(stream);
  return response;
}

void WatchHub::start_timers(std::uint64_t id, Watcher& watcher, const http::Request& request) {
  std::int64_t seconds = 0;
  const std::string text = request.query("timeoutSeconds").value_or("");
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (seconds <= 0 || seconds > 86'400) {
    seconds = 1800 + static_cast<std::int64_t>(random_.below(1800));
  }
  watcher.time_limit = loop_.call_after(std::chrono::seconds(seconds), [this, id] {
    if (const auto stream = watchers_.at(id).stream.lock()) {
      stream->end();
    }
  });
  if (watcher.bookmarks) {
    bookmark_later(id);
  }
}

void WatchHub::bookmark_later(std::uint64_t id) {
  watchers_.at(id).bookmark_timer = loop_.call_after(bookmark_interval_, [this, id] {
    if (!faults_.bookmarks_withheld()) {
      send_bookmark(watchers_.at(id), false);
    }
    bookmark_later(id);
  });
}

std::string WatchHub::line_of(const Watcher& watcher, const WatchEvent& event) const {
  Json object = watcher.as_table ? to_table(*watcher.type, {event.object}, loop_.clock().wall_now())
                                 : to_view(*watcher.type, *event.object);
  return dump_json({{"type", to_string(event.kind)}, {"object", std::move(object)}}) + "\n";
}

void WatchHub::send(const Watcher& watcher, const WatchEvent& event) {
  const auto stream = watcher.stream.lock();
  if (stream && !stream->done()) {
    stream->push(line_of(watcher, event));
  }
}

void WatchHub::send_bookmark(const Watcher& watcher, bool initial_end) {
  const auto stream = watcher.stream.lock();
  if (!stream) {
    return;
  }
  Json object = {{"kind", watcher.type->kind},
                 {"apiVersion", watcher.type->api_version()},
                 {"metadata", {{"resourceVersion", std::to_string(store_.version())}}}};
  if (initial_end) {
    object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  }
  stream->push(dump_json({{"type", "BOOKMARK"}, {"object", std::move(object)}}) + "\n");
}

void WatchHub::detach(std::uint64_t id) {
  watchers_.erase(id);
}

void WatchHub::close_all(bool abruptly) {
  for (const auto& [id, watcher] : watchers_) {
    if (const auto stream = watcher.stream.lock()) {
      if (abruptly) {
        stream->cut(Error::make(ErrorCode::kUnavailable, "WatchClosed", "the watch was cut"));
      } else {
        stream->end();
      }
    }
  }
}

}  // namespace berth::devcluster
