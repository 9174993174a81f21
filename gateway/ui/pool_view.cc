#include "gateway/ui/pool_view.h"

#include <algorithm>
#include <utility>

namespace berth::gateway::ui {
namespace {

std::int64_t slots_in(const api::Resources& resources) {
  const auto it = resources.find(api::kSlot);
  return it == resources.end() ? 0 : it->second;
}

WorkerRow make_row(const WorkerView& view) {
  WorkerRow row;
  row.state = view.state();
  row.ready = view.pod.in_service();
  if (view.slots) {
    row.incarnation = view.slots->incarnation.str();
    row.capacity = view.slots->capacity;
    row.used = view.slots->used;
    row.sessions = view.slots->sessions;
    row.activities = view.slots->activities;
  }
  return row;
}

void add(SlotCounts& counts, const WorkerRow& row) {
  const std::int64_t capacity = slots_in(row.capacity);
  const std::int64_t used = std::min(slots_in(row.used), capacity);
  counts.capacity += capacity;
  counts.used += used;
  const bool open = row.ready && row.state == to_string(api::WorkerState::kActive);
  (row.state == "Unreadable" ? counts.unknown
   : open                    ? counts.free
                             : counts.closed) += capacity - used;
}

Json slots_json(const SlotCounts& s) {
  return {{"capacity", s.capacity},
          {"used", s.used},
          {"free", s.free},
          {"closed", s.closed},
          {"unknown", s.unknown}};
}

Json row_json(const WorkerRow& row) {
  Json out = {{"state", row.state},
              {"ready", row.ready},
              {"capacity", slots_in(row.capacity)},
              {"used", slots_in(row.used)},
              {"sessions", row.sessions},
              {"activities", row.activities}};
  for (const auto& [name, amount] : row.capacity) {
    if (name != api::kSlot) {
      const auto used = row.used.find(name);
      out["resources"][name] = {used == row.used.end() ? 0 : used->second, amount};
    }
  }
  return out;
}

Json waiting_json(const PoolView& view) {
  Json first = Json::array();
  for (const WaitingRow& row : view.waiting) {
    Json one = {{"id", row.id}, {"since", row.since}};
    for (const auto& [name, amount] : row.resources) {
      if (name != api::kSlot) {
        one["resources"][name] = amount;
      }
    }
    first.push_back(std::move(one));
  }
  return {{"total", view.waiting_total}, {"first", std::move(first)}};
}

Json conditions_json(const PoolStatus& status) {
  Json out = Json::array();
  for (const auto& c : status.conditions) {
    out.push_back(
        {{"type", c.type}, {"status", c.is_true}, {"reason", c.reason}, {"message", c.message}});
  }
  return out;
}

Json number_or_null(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}

/// All but the rows.
Json head_json(const PoolView& view) {
  const PoolInfo& info = view.info;
  return {{"namespace", info.ns},
          {"name", info.name},
          {"deleting", info.deleting},
          {"slots", slots_json(view.slots)},
          {"states", view.states},
          {"workersTotal", view.workers_total},
          {"waiting", waiting_json(view)},
          {"plan",
           {{"min", info.min_workers},
            {"max", info.max_workers},
            {"fixed", number_or_null(info.fixed_workers)},
            {"desired", number_or_null(info.status.desired)}}},
          {"conditions", conditions_json(info.status)}};
}

}  // namespace

std::int64_t millis(TimePoint t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

PoolView make_pool_view(const PoolInfo& info, const std::vector<const WorkerView*>& workers,
                        const WaitingLine* line, TimePoint now) {
  PoolView view;
  view.info = info;
  for (const WorkerView* worker : workers) {
    WorkerRow row = make_row(*worker);
    add(view.slots, row);
    ++view.states[row.state];
    ++view.workers_total;
    if (view.workers.size() < kMaxRows) {
      view.workers.emplace(worker->pod.name, std::move(row));
    }
  }
  if (line != nullptr) {
    view.waiting_total = static_cast<std::int64_t>(line->size());
    for (api::Waiting& w : line->list(now, kMaxWaitingShown)) {
      view.waiting.push_back({w.id.str(), millis(now - w.age), std::move(w.resources)});
    }
  }
  return view;
}

Json to_json(const PoolView& view) {
  Json out = head_json(view);
  Json& rows = out["workers"] = Json::object();
  for (const auto& [name, row] : view.workers) {
    rows[name] = row_json(row);
  }
  return out;
}

Json difference(const PoolView& before, const PoolView& after) {
  Json out = Json::object();
  const Json old = head_json(before);
  Json now = head_json(after);
  for (auto it = now.begin(); it != now.end(); ++it) {
    if (old.at(it.key()) != it.value()) {
      out[it.key()] = std::move(it.value());
    }
  }
  Json rows = Json::object();
  for (const auto& [name, row] : after.workers) {
    const auto it = before.workers.find(name);
    // A new process with the same numbers is news, but no other row.
    if (it == before.workers.end() ||
        (it->second != row && row_json(it->second) != row_json(row))) {
      rows[name] = row_json(row);
    }
  }
  for (const auto& [name, row] : before.workers) {
    if (!after.workers.contains(name)) {
      rows[name] = nullptr;
    }
  }
  if (!rows.empty()) {
    out["workers"] = std::move(rows);
  }
  return out;
}

std::vector<News> news(const PoolView& before, const PoolView& after) {
  std::vector<News> out;
  for (const auto& [name, row] : after.workers) {
    const auto it = before.workers.find(name);
    if (it == before.workers.end()) {
      out.push_back({name, "", row.state, false});
      continue;
    }
    const WorkerRow& old = it->second;
    const bool restarted =
        !old.incarnation.empty() && !row.incarnation.empty() && old.incarnation != row.incarnation;
    if (restarted || old.state != row.state) {
      out.push_back({name, old.state, row.state, restarted});
    }
  }
  for (const auto& [name, row] : before.workers) {
    if (!after.workers.contains(name)) {
      out.push_back({name, row.state, "", false});
    }
  }
  return out;
}

}  // namespace berth::gateway::ui
