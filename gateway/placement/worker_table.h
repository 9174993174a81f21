#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "berth/api/session.h"
#include "berth/api/session_pool.h"
#include "berth/base/event_loop.h"
#include "gateway/workers/worker_pod.h"

namespace berth::gateway {

/// Permission of this gateway to itself to send one create to one worker. While it is out, its
/// resources count as used there. Give each back exactly once: opened(), refused() or released().
struct Grant {
  api::WorkerUid uid;
  api::Resources resources;
};

/// One worker as this gateway sees it.
struct WorkerView {
  WorkerPod pod;
  std::optional<api::Slots> slots;  ///< The worker's last word; absent until it has spoken.
  bool readable = false;            ///< Whether the last attempt to hear it worked.
  api::Resources in_flight;         ///< Grants whose create is unanswered.
  api::Resources settling;          ///< Creates answered, but not yet in `slots`.
  bool paused = false;              ///< It refused; skipped for a while.

  /// For people: the worker's own word for its state, or "Starting", "Unreadable", "Terminating".
  std::string_view state() const;

  /// Slots that it may have free; 0 when it may not be placed on at all.
  std::int64_t free_sessions() const;
  bool fits(const api::Resources& asked) const;
};

/// All workers by pool, and the choice of one for a new session. Loop thread only; the loop must
/// outlive it.
///
/// Slot data is a hint: the worker decides. Here a worker is left out while its pod is not in
/// service, it cannot be read, does not admit, or has refused until its slots change or
/// `refusal_pause` is over. Choosing costs O(log workers) for plain sessions, and a walk over the
/// workers with free slots for typed resources.
class WorkerTable {
 public:
  struct Settings {
    Duration refusal_pause = std::chrono::seconds(1);
    /// How long an answered create counts besides the worker's own count, unless a newer count
    /// arrives before. A worker coalesces changes for 20 ms.
    Duration settle_time = std::chrono::milliseconds(50);
  };
  /// Runs when a slot of that pool may have become free. Must not call back into the table.
  using OnCapacity = std::function<void(const std::string& pool_key)>;

  WorkerTable(EventLoop& loop, Settings settings, OnCapacity on_capacity);
  ~WorkerTable();

  /// A pod with the name of another one replaces it.
  void upsert(const WorkerPod& pod);
  void remove(const api::WorkerUid& uid);
  void set_slots(const api::WorkerUid& uid, api::Slots slots);
  void set_unreadable(const api::WorkerUid& uid);

  /// The fullest (Packed) or emptiest (Spread) worker that fits, the first by name among equals.
  /// `asked` includes the slot itself. Workers in `except` are passed over.
  std::optional<Grant> grant(const std::string& pool_key, const api::Resources& asked,
                             api::Placement placement, const std::set<api::WorkerUid>& except = {});
  /// The worker took it: counts on until the worker's own count has it.
  void opened(const Grant& grant);
  /// The worker said no, or could not be asked: it is passed over for a while.
  void refused(const Grant& grant);
  /// Nothing came of it, for reasons that say nothing about the worker.
  void released(const Grant& grant);

  const WorkerView* find(const api::WorkerUid& uid) const;
  /// By pod name within a pool.
  const WorkerView* find(const std::string& pool_key, const std::string& pod_name) const;
  /// All of a pool, by name.
  std::vector<const WorkerView*> workers(const std::string& pool_key) const;
  std::size_t size() const { return entries_.size(); }
  /// Whether some worker of the pool, were it empty, could hold this.
  bool any_has_capacity(const std::string& pool_key, const api::Resources& asked) const;

 private:
  struct Entry;
  struct Pool {
    std::map<std::string, Entry*> by_name;
    /// Workers that may be placed on, by free slots, then by pod name.
    std::map<std::int64_t, std::map<std::string_view, Entry*>> by_free;
  };

  Entry* lookup(const api::WorkerUid& uid);
  /// Puts the worker where it belongs now, and tells of capacity if it was not there or less free
  /// before.
  void reindex(Entry& entry);
  void unindex(Entry& entry);
  void pause(Entry& entry);
  void settle(Entry& entry);
  static Entry* choose(const Pool& pool, const api::Resources& asked, api::Placement placement,
                       const std::set<api::WorkerUid>& except);

  EventLoop& loop_;
  Settings settings_;
  OnCapacity on_capacity_;
  std::unordered_map<api::WorkerUid, std::unique_ptr<Entry>> entries_;
  std::map<std::string, Pool> pools_;
};

}  // namespace berth::gateway
