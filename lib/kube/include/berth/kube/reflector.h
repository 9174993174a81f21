#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/kube/client.h"

namespace berth::kube {

/// Resource versions of one type compare (KEP-5504): decimal numbers of any length without leading
/// zeros. False when either is "0" or no such number.
bool newer_version(std::string_view a, std::string_view b);

/// Takes a byte stream apart into watch events: one JSON object a line, split anywhere. Lines
/// longer than `max_line` are an error.
class WatchDecoder {
 public:
  explicit WatchDecoder(std::size_t max_line = 4u << 20) : max_line_(max_line) {}
  /// Calls `fn` for each complete event in order.
  Status feed(std::string_view bytes, const std::function<void(const Json& event)>& fn);
  bool mid_line() const { return !buffer_.empty(); }

 private:
  std::size_t max_line_;
  std::string buffer_;
};

/// Keeps a local copy of one collection current: list, watch from there, and start again as
/// Kubernetes demands (docs: "Efficient detection of changes"). One state machine per collection;
/// loop thread only.
///
///   - the first list has no resourceVersion (consistent read), pages of 500, restarted unpaged on
///   410
///   - a relist replaces the copy as a whole: what vanished meanwhile is reported removed
///   - clean end of a watch: watch again from the last version; under 1 s without an event counts
///   as a failure
///   - an event that cannot be read or is too long: list again after the backoff
///   - 410: list again; 429, refused, 5xx: back off (Retry-After obeyed) and watch again from the
///   same version
///   - a server that is not reached at all is looked for every 5 to 10 s at the latest: it feels
///   nothing of it, and is followed again soon after it has come back
///   - bookmarks move the version; no event or bookmark for server timeout + 5 s: the connection is
///   dead
///   - same name, other uid: removed, then added
///
/// T is the trimmed, immutable form that is kept; `Convert` makes it from JSON (nothing: not of
/// interest).
struct ReflectorSettings {
  std::string ns{};  ///< Empty: all.
  std::string label_selector{};
  Backoff::Settings backoff{};
  /// Asked of the server; drawn from [1, 2) times this.
  std::chrono::seconds watch_timeout{300};
  /// One object of a known name. RBAC can allow watching it alone (resourceNames).
  std::string name{};
};

/// The untyped machine; Reflector<T> is a thin typed cover.
class ReflectorCore {
 public:
  struct Events {
    std::function<void(const Json& object)> upsert;
    std::function<void(const std::string& key)> remove;  ///< "namespace/name"
    /// Between these two, upserts are the new whole: what was not upserted is gone. A list that
    /// broke off begins again: `replace_begin` without an end before it drops what came so far.
    std::function<void()> replace_begin;
    std::function<void()> replace_end;
  };
  ReflectorCore(EventLoop& loop, Client& client, Random& random, ResourceType type,
                ReflectorSettings settings, const Log& log, Metrics& metrics, Events events);
  ~ReflectorCore();
  /// Begins with a list; again after stop(): with a new one. Twice is once.
  void start();
  /// Nothing is called any more once this returns. Allowed inside a callback; destroying there is
  /// not.
  void stop();
  bool stopped() const;
  /// The first list is complete. Stays true while the machine reconnects: see silence().
  bool synced() const;
  /// There is no copy yet, and the last word of the server was that we may not list.
  bool forbidden() const;
  /// The newest version seen (events and bookmarks): reads of own writes wait for it.
  const std::string& version() const;
  /// Time since the server last said anything on this watch.
  Duration silence() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared: callbacks under way keep it
};

template <class T>
class Reflector {
 public:
  using Ptr = std::shared_ptr<const T>;
  using Convert = std::function<std::optional<T>(const Json&)>;
  /// Called after the copy was changed; after a relist, once the whole copy is the new one. `now`
  /// null: removed; `before` null: added.
  using OnChange = std::function<void(const std::string& key, const Ptr& before, const Ptr& now)>;

  Reflector(EventLoop& loop, Client& client, Random& random, ResourceType type,
            ReflectorSettings settings, const Log& log, Metrics& metrics, Convert convert,
            OnChange on_change);
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void start() { core_.start(); }
  void stop() { core_.stop(); }
  bool synced() const { return core_.synced(); }
  bool forbidden() const { return core_.forbidden(); }
  const std::string& version() const { return core_.version(); }
  Duration silence() const { return core_.silence(); }

  Ptr get(const std::string& key) const;
  const std::map<std::string, Ptr>& all() const { return items_; }

 private:
  struct Identity {
    std::string uid;
    std::string version;
  };
  struct Entry {
    Ptr value;
    Identity identity;
  };
  void upsert(const Json& object);
  void remove(const std::string& key);
  void replace_end();
  void notify(const std::string& key, const Ptr& before, const Ptr& now);

  Convert convert_;
  OnChange on_change_;
  std::map<std::string, Ptr> items_;
  std::map<std::string, Identity> identities_;          // of items_, key by key
  std::optional<std::map<std::string, Entry>> staged_;  // the list under way, until it is whole
  ReflectorCore core_;
};

}  // namespace berth::kube

#include "berth/kube/reflector_inl.h"
