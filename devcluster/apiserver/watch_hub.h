#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/http/server.h"
#include "devcluster/apiserver/api_request.h"
#include "devcluster/apiserver/faults.h"
#include "devcluster/apiserver/push_stream.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

/// The open watches of the API server: each joins the store's changes to a stream, with bookmarks
/// and its time limit. Loop thread only.
class WatchHub {
 public:
  WatchHub(EventLoop& loop, Store& store, const Faults& faults, Random& random,
           Duration bookmark_interval);
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  /// Answers a request with watch=true: its query says from where, how narrow and for how long.
  ApiResult<http::Response> open(const ApiPath& path, const http::Request& request, bool as_table);

  void close_all(bool abruptly);
  std::size_t size() const { return watchers_.size(); }

 private:
  struct Watcher {
    std::weak_ptr<PushStream> stream;
    const ResourceType* type = nullptr;
    bool as_table = false;
    bool bookmarks = false;
    Cancel changes;
    Cancel bookmark_timer;
    Cancel time_limit;
  };
  void start_timers(std::uint64_t id, Watcher& watcher, const http::Request& request);
  std::string line_of(const Watcher& watcher, const WatchEvent& event) const;
  void send(const Watcher& watcher, const WatchEvent& event);
  void send_bookmark(const Watcher& watcher, bool initial_end);
  void bookmark_later(std::uint64_t id);
  void detach(std::uint64_t id);

  EventLoop& loop_;
  Store& store_;
  const Faults& faults_;
  Random& random_;
  const Duration bookmark_interval_;
  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t last_ = 0;
  // Streams outlive the hub when their connections are slow to close.
  std::shared_ptr<WatchHub*> self_;
};

}  // namespace berth::devcluster
