#include "gateway/ui/picture.h"

#include <utility>

namespace berth::gateway::ui {
namespace {

std::string namespace_of(const std::string& key) {
  return key.substr(0, key.find('/'));
}

Picture::Piece piece(const std::string& key, const Json& value) {
  return {namespace_of(key), dump_json(Json(key)) + ":" + dump_json(value)};
}

}  // namespace

Json Picture::look_at(const std::string& key, std::size_t& rows) {
  const PoolCatalog::Ptr info = sources_.pools.find(key);
  const auto it = shown_.find(key);
  if (!info) {
    if (it == shown_.end()) {
      return Json::object();
    }
    shown_.erase(it);
    make_room();
    return nullptr;
  }
  if (it == shown_.end() && shown_.size() >= limits_.pools) {
    return Json::object();
  }
  const TimePoint now = sources_.clock.now();
  const auto workers = sources_.workers.workers(key);
  rows += workers.size();
  PoolView view = make_pool_view(*info, workers, sources_.line(key), now);
  if (it == shown_.end()) {
    Chronicle chronicle(view);
    Json whole = to_json(view);
    whole.update(chronicle.to_json());
    shown_.emplace(key, Shown{std::move(view), std::move(chronicle)});
    return whole;
  }
  Shown& shown = it->second;
  Json change = difference(shown.view, view);
  change.update(shown.chronicle.note(shown.view, view, now));
  shown.view = std::move(view);
  return change;
}

void Picture::make_room() {
  for (const auto& [key, info] : sources_.pools.all()) {
    if (!shown_.contains(key)) {
      touched_.insert(key);
    }
  }
}

std::vector<Picture::Piece> Picture::look() {
  std::vector<Piece> pieces;
  std::size_t rows = 0;
  while (!touched_.empty() && rows < limits_.rows_per_look) {
    const std::string key = std::move(touched_.extract(touched_.begin()).value());
    if (const Json change = look_at(key, rows); change.is_null() || !change.empty()) {
      pieces.push_back(piece(key, change));
    }
  }
  return pieces;
}

std::vector<Picture::Piece> Picture::sample() {
  std::vector<Piece> pieces;
  for (auto& [key, shown] : shown_) {
    const PoolView& view = shown.view;
    shown.chronicle.add({view.slots.used, view.slots.capacity, view.waiting_total});
    pieces.push_back(piece(key, {view.slots.used, view.slots.capacity, view.waiting_total}));
  }
  return pieces;
}

Json Picture::snapshot(const std::string& ns) const {
  const auto in_scope = [&ns](const std::string& key) {
    return ns.empty() || namespace_of(key) == ns;
  };
  Json pools = Json::object();
  for (const auto& [key, shown] : shown_) {
    if (in_scope(key)) {
      Json& pool = pools[key] = to_json(shown.view);
      pool.update(shown.chronicle.to_json());
    }
  }
  std::int64_t omitted = 0;
  for (const auto& [key, info] : sources_.pools.all()) {
    omitted += in_scope(key) && !shown_.contains(key) ? 1 : 0;
  }
  return {{"pools", std::move(pools)}, {"omitted", omitted}};
}

}  // namespace berth::gateway::ui
