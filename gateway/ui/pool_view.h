#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "berth/api/session.h"
#include "gateway/placement/waiting_line.h"
#include "gateway/placement/worker_table.h"
#include "gateway/workers/pool_catalog.h"

/// What the page shows of one pool, made from what the gateway knows, and how two of them differ.
/// Pure.
namespace berth::gateway::ui {

/// The most rows and waiting sessions shown; beyond them only counts.
inline constexpr std::size_t kMaxRows = 1'000;
inline constexpr std::size_t kMaxWaitingShown = 20;

/// A moment as the page gets it: milliseconds on the gateway's own clock, so that the browser's
/// need not agree with it.
std::int64_t millis(TimePoint t);

struct WorkerRow {
  std::string state;  ///< WorkerView::state().
  bool ready = false;
  std::string incarnation;  ///< Not sent: tells a restart.
  api::Resources capacity;
  api::Resources used;
  std::int64_t sessions = 0;
  std::int64_t activities = 0;

  bool operator==(const WorkerRow&) const = default;
};

/// Slots of a pool by what can be done with them; they add up to the capacity.
struct SlotCounts {
  std::int64_t capacity = 0;
  std::int64_t used = 0;
  std::int64_t free = 0;
  std::int64_t closed = 0;   ///< On workers that take no new session.
  std::int64_t unknown = 0;  ///< On workers that cannot be read.
  bool operator==(const SlotCounts&) const = default;
};

struct WaitingRow {
  std::string id;
  std::int64_t since = 0;  ///< millis() of its arrival.
  api::Resources resources;
  bool operator==(const WaitingRow&) const = default;
};

struct PoolView {
  PoolInfo info;
  SlotCounts slots;
  std::map<std::string, WorkerRow> workers;  ///< By name, at most kMaxRows.
  std::map<std::string, std::int64_t> states;
  std::int64_t workers_total = 0;
  std::vector<WaitingRow> waiting;  ///< The first kMaxWaitingShown.
  std::int64_t waiting_total = 0;
};

PoolView make_pool_view(const PoolInfo& info, const std::vector<const WorkerView*>& workers,
                        const WaitingLine* line, TimePoint now);

/// The whole view: {"namespace", "name", "slots", "states", "waiting", ..., "workers": {name:
/// row}}.
Json to_json(const PoolView& view);
/// The members of to_json that differ, of "workers" only the rows that do (null: gone). An empty
/// object: nothing does.
Json difference(const PoolView& before, const PoolView& after);

/// A worker that came, went or changed its state. Empty `was`: came; empty `is`: went.
struct News {
  std::string worker;
  std::string was;
  std::string is;
  bool restarted = false;  ///< A new process answers.
  bool operator==(const News&) const = default;
};
std::vector<News> news(const PoolView& before, const PoolView& after);

}  // namespace berth::gateway::ui
