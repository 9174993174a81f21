#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "gateway/ui/chronicle.h"
#include "gateway/ui/pool_view.h"

namespace berth::gateway::ui {

/// All pools as the page shows them: a snapshot, and what has changed since the last look. Looks
/// only at pools that were touched. Loop thread only; the sources must outlive it.
class Picture {
 public:
  struct Sources {
    const Clock& clock;
    const PoolCatalog& pools;
    const WorkerTable& workers;
    /// Null when nobody waits there.
    std::function<const WaitingLine*(const std::string& pool_key)> line;
  };
  struct Limits {
    std::size_t pools = 500;            ///< Shown; beyond them a count.
    std::size_t rows_per_look = 5'000;  ///< Workers looked at in one look(), or one pool's.
  };
  /// A piece of text about one pool: `"namespace/name": {...}`, to be joined inside an object.
  struct Piece {
    std::string ns;
    std::string text;
  };

  Picture(Sources sources, Limits limits) : sources_(std::move(sources)), limits_(limits) {}

  /// Something about this pool may have changed.
  void touch(const std::string& pool_key) { touched_.insert(pool_key); }
  bool touched() const { return !touched_.empty(); }

  /// What differs since the last look at the pools touched; null: the pool is gone. Not more at
  /// once than Limits::rows_per_look: the rest stays touched.
  std::vector<Piece> look();
  /// Adds a sample of each pool to its history: [used, capacity, waiting].
  std::vector<Piece> sample();

  /// {"pools": {"namespace/name": {...}}, "omitted": pools not shown}. `ns` empty: all namespaces.
  Json snapshot(const std::string& ns) const;

 private:
  struct Shown {
    PoolView view;
    Chronicle chronicle;
  };
  Json look_at(const std::string& key, std::size_t& rows);
  void make_room();

  Sources sources_;
  Limits limits_;
  std::map<std::string, Shown> shown_;
  std::set<std::string> touched_;
};

}  // namespace berth::gateway::ui
